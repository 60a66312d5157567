//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/nettest"
)

// startForTwo serves an existing directory, with two users who may write.
func startForTwo(t *testing.T, dir string, flags ...string) *server {
	t.Helper()
	return startUnder(t, nil, dir, append([]string{"--user", login, "--user", otherLogin, "--write"}, flags...)...)
}

const crashSize = 4 << 20

// crashed kills a server when it has received n bytes of an upload of d/zzz.bin. It
// returns a new server for the same directory, and the path of the complete file at the
// client.
func crashed(t *testing.T, n int64) (s *server, up string) {
	t.Helper()
	s = startForTwo(t, t.TempDir())
	c := s.loginAs(user)
	c.must(t, 257, "MKD d")
	c.begin(t, "STOR d/zzz.bin", 0, n)
	awaitPartOf(t, s.path("d"), n)
	s.crash()
	up = filepath.Join(t.TempDir(), "zzz.bin")
	writePattern(t, up, crashSize)
	return startForTwo(t, s.dir), up
}

// After a crash of the server, the user of an upload can resume it, and no other user
// sees it.
func TestAnUploadIsResumedAfterACrashOfTheServer(t *testing.T) {
	whole := map[string]string{".": "directory", "d": "directory", "d/zzz.bin": fmt.Sprintf("%x", nettest.PatternSum(0, crashSize))}
	for k, tt := range []struct {
		name string
		do   func(t *testing.T, s *server, c *ftpClient, up string, n int64)
		want map[string]string
	}{
		{"by curl", func(t *testing.T, s *server, _ *ftpClient, up string, n int64) {
			curl(t, filepath.Dir(up), "-u", login, "-C", "-", "-T", "zzz.bin", s.urlOf("ftp", "d/zzz.bin"))
			s.wantLogged("op=APPE", fmt.Sprintf("bytes=%d", crashSize-n))
		}, whole},
		{"by lftp", func(_ *testing.T, s *server, _ *ftpClient, up string, n int64) {
			s.lftp(filepath.Dir(up), "put -c zzz.bin -o d/zzz.bin")
			s.wantLogged("path=/d/zzz.bin", fmt.Sprintf("bytes=%d", crashSize-n))
		}, whole},
		{"by SIZE and APPE", func(t *testing.T, _ *server, c *ftpClient, _ string, n int64) {
			c.wantSize(t, n, "d/zzz.bin")
			c.wantPut(t, 226, "APPE d/zzz.bin", n, crashSize)
		}, whole},
		{"by SIZE, REST and STOR", func(t *testing.T, _ *server, c *ftpClient, _ string, n int64) {
			c.wantSize(t, n, "d/zzz.bin")
			c.must(t, 350, fmt.Sprint("REST ", n))
			c.wantPut(t, 226, "STOR d/zzz.bin", n, crashSize)
		}, whole},
		{"from the beginning", func(t *testing.T, s *server, _ *ftpClient, up string, _ int64) {
			curl(t, filepath.Dir(up), "-u", login, "-T", "zzz.bin", s.urlOf("ftp", "d/zzz.bin"))
		}, whole},
		{"from the beginning, by APPE without SIZE before", func(t *testing.T, _ *server, c *ftpClient, _ string, _ int64) {
			c.wantPut(t, 226, "APPE d/zzz.bin", 0, crashSize)
		}, whole},
		{"not after DELE", func(t *testing.T, _ *server, c *ftpClient, _ string, _ int64) {
			c.must(t, 250, "DELE d/zzz.bin")
			c.wantSize(t, 0, "d/zzz.bin")
			c.must(t, 550, "DELE d/zzz.bin")
		}, map[string]string{".": "directory", "d": "directory"}},
		{"not after RMD of the directory", func(t *testing.T, _ *server, c *ftpClient, _ string, _ int64) {
			c.must(t, 250, "RMD d")
		}, map[string]string{".": "directory"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			points := []int64{300_000, 1, 3<<20 + 1}
			for i := range times(3) {
				n := points[(k+i)%len(points)]
				s, up := crashed(t, n)
				c := s.loginAs(user)
				s.wantNoFile(c, "d/zzz.bin")
				for _, name := range []string{otherUser, ""} {
					other := s.loginAs(name)
					other.wantSize(t, 0, "d/zzz.bin")
					other.must(t, 550, "DELE d/zzz.bin")
				}
				s.loginAs(user).wantSize(t, n, "d/zzz.bin") // in another session: in that of c, SIZE would change what APPE does
				tt.do(t, s, c, up, n)
				if diff := cmp.Diff(tt.want, contents(t, s.dir)); diff != "" {
					t.Errorf("of %d bytes (-want +got):\n%s", n, diff)
				}
				s.signal(15)
				s.wantExit(patience)
			}
		})
	}
}

// A server must not resume or remove an upload that is in progress in another server of
// the same directory, until that server has ended.
func TestTwoServersOfOneDirectoryIgnoreEachOthersUploads(t *testing.T) {
	for range times(3) {
		dir := t.TempDir()
		one, two := startForTwo(t, dir), startForTwo(t, dir)
		c, other := one.loginAs(user), two.loginAs(user)
		c.must(t, 257, "MKD d")
		data := c.begin(t, "STOR d/zzz.bin", 0, 300_000)
		awaitPartOf(t, one.path("d"), 300_000)

		two.wantNoFile(other, "d/zzz.bin")
		other.wantSize(t, 0, "d/zzz.bin")
		other.must(t, 550, "DELE d/zzz.bin")
		other.must(t, 550, "RMD d")
		other.must(t, 350, "REST 300000")
		if got := other.replyTo(t, "STOR d/zzz.bin"); !strings.HasPrefix(got, "550 ") {
			t.Errorf("STOR after REST in the other server's upload: %q", got)
		}
		other.wantPut(t, 226, "APPE d/zzz.bin", 0, 1000)
		wantPattern(t, two.path("d/zzz.bin"), 0, 1000)
		other.wantPut(t, 226, "STOR d/zzz.bin", 0, 2000)
		wantPattern(t, two.path("d/zzz.bin"), 0, 2000)
		awaitPartOf(t, one.path("d"), 300_000)

		if err := sendPattern(data, 300_000, 500_000); err != nil {
			t.Fatal(err)
		}
		_ = data.Close()
		if _, err := c.expect(226); err != nil {
			t.Fatal(err)
		}
		wantPattern(t, one.path("d/zzz.bin"), 0, 500_000)
		other.must(t, 250, "DELE d/zzz.bin")

		c.begin(t, "STOR d/zzz.bin", 0, 400_000)
		awaitPartOf(t, one.path("d"), 400_000)
		one.crash()
		other.wantSize(t, 400_000, "d/zzz.bin")
		other.wantPut(t, 226, "APPE d/zzz.bin", 400_000, 500_000)
		wantPattern(t, two.path("d/zzz.bin"), 0, 500_000)
		two.signal(15)
		two.wantExit(patience)
	}
}

// After a crash of the server at any moment, acknowledged uploads exist, and visible
// files are complete.
func TestAcknowledgedUploadsSurviveACrashOfTheServer(t *testing.T) {
	const clients = 4
	sizes := []int64{0, 100, 70_000, 2_000_000}
	acknowledged, tries := 0, times(5)
	for range tries {
		s := startForTwo(t, t.TempDir())
		s.file("over", sizes[3])
		var (
			done  [clients]int // acknowledged uploads of each client to new files
			total atomic.Int64
			wg    sync.WaitGroup
		)
		enough := make(chan struct{})
		until := 1 + rand.Int64N(100)
		for k := range clients {
			c := s.loginAs(user)
			wg.Go(func() {
				for i := 0; ; i++ {
					for _, name := range []string{fmt.Sprintf("%d-%d", k, i), "over"} {
						data, err := c.transfer(t.Context(), "STOR "+name)
						if err != nil {
							return
						}
						_ = sendPattern(data, 0, sizes[i%len(sizes)]) // the reply shows whether this worked
						_ = data.Close()
						if _, err := c.expect(226); err != nil {
							return
						}
					}
					done[k]++
					if total.Add(1) == until {
						close(enough)
					}
				}
			})
		}
		<-enough
		s.crash()
		wg.Wait()
		acknowledged += int(total.Load())
		checkAfterCrash(t, s.dir, done[:], sizes)
	}
	t.Logf("%d crashes, %d acknowledged uploads to new files, and as many to one file", tries, acknowledged)
}

// checkAfterCrash checks the files in dir. The server has acknowledged the first
// done[k] uploads of client k. Upload i of a client has the size sizes[i % len(sizes)].
func checkAfterCrash(t *testing.T, dir string, done []int, sizes []int64) {
	t.Helper()
	for k, n := range done {
		for i := range n {
			wantPattern(t, filepath.Join(dir, fmt.Sprintf("%d-%d", k, i)), 0, sizes[i%len(sizes)])
		}
		last := filepath.Join(dir, fmt.Sprintf("%d-%d", k, n)) // not acknowledged
		if _, err := os.Stat(last); !errors.Is(err, fs.ErrNotExist) {
			wantPattern(t, last, 0, sizes[n%len(sizes)])
		}
	}
	over, err := os.Stat(filepath.Join(dir, "over"))
	if err != nil {
		t.Fatal(err)
	}
	wantPattern(t, filepath.Join(dir, "over"), 0, over.Size())
	for _, size := range sizes {
		if over.Size() == size {
			return
		}
	}
	t.Errorf("the file that all clients have written has %d bytes, but no client has sent that many", over.Size())
}

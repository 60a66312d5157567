//go:build e2e

package e2e

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// countOf returns the bytes and the names below a directory.
func countOf(t *testing.T, dir string) (bytes, files int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() {
			bytes += info.Size()
		}
		files++
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes, files
}

// wantQuota waits until SITE QUOTA shows what is in the served directory.
func (s *server) wantQuota(what string) {
	s.t.Helper()
	bytes, files := countOf(s.t, s.dir)
	want := []string{fmt.Sprintf(" %d of ", bytes), fmt.Sprintf(" %d of ", files)}
	c := s.loginAs(user)
	last := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		last = c.replyTo(s.t, "SITE QUOTA")
		if strings.Contains(last, want[0]+"20971520 bytes") && strings.Contains(last, want[1]+"60 files") {
			return
		}
	}
	s.t.Errorf("%s: %q, but the directory has %d bytes and %d files", what, last, bytes, files)
}

// httpPut uploads size bytes by HTTP and returns the status, 0 if the server has gone.
func (s *server) httpPut(name string, size int64) int {
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPut, s.urlOf("http", name), nettest.Pattern(size))
	if err != nil {
		return 0
	}
	r.ContentLength = size
	r.SetBasicAuth(user, password)
	r.Header.Set("Expect", "100-continue")
	resp, err := (&http.Transport{ExpectContinueTimeout: patience, DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// httpDo sends a request, whatever comes of it.
func (s *server) httpDo(method, name, body string, header ...string) {
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.urlOf("http", name), strings.NewReader(body))
	if err != nil {
		return
	}
	r.SetBasicAuth(user, password)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil { // else the server has gone
		_ = resp.Body.Close()
	}
}

// The server is killed at random points of uploads and other changes by FTP, HTTP and WebDAV. The
// next one counts what there is, and the limits were never exceeded.
func TestTheCountOfAQuotaIsExactAfterACrash(t *testing.T) {
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, uint64(os.Getpid())))
	for range times(4) {
		s := startForTwo(t, dir, "--quota", "20MiB", "--quota-files", "60", "--webdav")
		s.wantQuota("at the start")
		var clients sync.WaitGroup
		for i := range 6 {
			seed := random.Uint64()
			clients.Go(func() {
				random := rand.New(rand.NewPCG(seed, 0))
				c, err := dialFTP(t.Context(), s.ftp.Host, user, password)
				if err != nil {
					return // the server has gone
				}
				defer c.conn.Close()
				for err == nil {
					name, size := fmt.Sprint("f", random.IntN(40)), random.Int64N(3<<20)
					other := []string{fmt.Sprint("f", random.IntN(40)), fmt.Sprint("d", random.IntN(9))}
					switch random.IntN(12) {
					case 8:
						s.httpDo("MOVE", other[random.IntN(2)], "", "Destination", "/"+fmt.Sprint("d", random.IntN(9)))
					case 9:
						s.httpDo("COPY", name, "", "Destination", "/"+other[random.IntN(2)])
					case 10, 11: // by tus, of which a part comes
						s.httpDo("POST", "", strings.Repeat("x", int(size/2)), "Tus-Resumable", "1.0.0", "Upload-Length", fmt.Sprint(size-random.Int64N(2)*(size-size/2)),
							"Upload-Metadata", "filename "+base64.StdEncoding.EncodeToString([]byte(name)), "Content-Type", "application/offset+octet-stream")
					case 0:
						_, err = c.exchange(t.Context(), "DELE "+name)
					case 1:
						_, err = c.exchange(t.Context(), fmt.Sprint("MKD d", random.IntN(9)))
					case 2:
						_, err = c.exchange(t.Context(), fmt.Sprint("RMD d", random.IntN(9)))
					case 3, 4:
						if s.httpPut(name, size) == 0 {
							return
						}
					default:
						data, transferErr := c.transfer(t.Context(), []string{"STOR ", "STOR ", "APPE "}[random.IntN(3)]+name)
						if transferErr != nil {
							break // refused, or the server has gone
						}
						_ = sendPattern(data, 0, size)
						if i == 0 { // a client that leaves
							_ = data.SetLinger(0)
						}
						_ = data.Close()
						_, err = c.reply()
					}
					if _, gone := c.exchange(t.Context(), "NOOP"); gone != nil {
						return
					}
				}
			})
		}
		time.Sleep(time.Duration(200+random.IntN(1000)) * time.Millisecond) // a random point, not a state
		s.crash()
		clients.Wait()
		if bytes, files := countOf(t, dir); bytes > 20<<20 || files > 60 {
			// Files that are being replaced exist twice until the upload ends.
			parts := int64(0)
			for _, part := range partsIn(t, dir) {
				info, err := os.Stat(part)
				if err != nil {
					t.Fatal(err)
				}
				parts += info.Size()
			}
			if bytes-parts > 20<<20 || files-int64(len(partsIn(t, dir))) > 60 {
				t.Errorf("%d bytes and %d files exist", bytes, files)
			}
		}
	}
	s := startForTwo(t, dir, "--quota", "20MiB", "--quota-files", "60")
	s.wantQuota("after the last crash")
}

// Many uploads at once by FTP and HTTP leave the reserve of the disk free.
func TestUploadsLeaveTheReserveOfTheDiskFree(t *testing.T) {
	d := newDiskOf(t, "ext4", 60<<20)
	s := startForTwo(t, d.dir, "--reserve", "10MiB")
	var clients sync.WaitGroup
	for i := range 4 {
		c := s.loginAs(user)
		clients.Go(func() {
			for n := range 12 {
				data, err := c.transfer(t.Context(), fmt.Sprintf("STOR f%d-%d", i, n))
				if err != nil {
					t.Error(err)
					return
				}
				_ = sendPattern(data, 0, 2<<20)
				_ = data.Close()
				if reply, err := c.reply(); err != nil || !strings.HasPrefix(reply, "226") && !strings.HasPrefix(reply, "452") {
					t.Errorf("reply %q, %v", reply, err)
				}
			}
		})
		clients.Go(func() {
			for n := range 12 {
				if status := s.httpPut(fmt.Sprintf("h%d-%d", i, n), 2<<20); status != 201 && status != 507 {
					t.Errorf("status %d", status)
				}
			}
		})
	}
	clients.Wait()
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.dir, &st); err != nil {
		t.Fatal(err)
	}
	free := int64(st.Bavail) * st.Bsize
	if free < 10<<20-256<<10 || free > 13<<20 { // the names and the tables of blocks take some
		t.Errorf("%d bytes are free, want 10 MiB", free)
	}
	if left := partsIn(t, d.dir); len(left) > 0 {
		t.Errorf("the disk has %q", left)
	}
}

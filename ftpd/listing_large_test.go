package ftpd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"sluice/ftpd"
	"sluice/internal/nettest"
)

// serveMany serves a directory with n files to anonymous users who do not see hidden ones.
func serveMany(t *testing.T, n int) (*server, *nettest.ManyFiles) {
	t.Helper()
	many := nettest.NewManyFiles(n)
	return start(t, func(s *ftpd.Server) {
		s.Login = func(context.Context, ftpd.Client, string, string) (*ftpd.Account, error) {
			return &ftpd.Account{FS: many, Rights: ftpd.ReadOnly, HideDotFiles: true}, nil
		}
	}), many
}

// fewer returns n, or a smaller number for the race detector.
func fewer(n int) int {
	if raceDetector {
		return n / 5
	}
	return n
}

// heap returns how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestClientsThatStallInListingsOfAMillionFilesTakeLittleMemory(t *testing.T) {
	s, _ := serveMany(t, 1_000_000)
	before := heap()
	commands := []string{"LIST /many", "NLST /many", "MLSD /many", "LIST /many/*", "NLST /*/file*", "LIST -R /"}
	for i := range fewer(20) {
		c := s.guest()
		conn := c.data(epsv, commands[i%len(commands)])
		_ = conn.SetReadBuffer(4 << 10) // so that it stalls soon
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	const limit = 30 << 20 // the entries would be several gigabytes
	if used := heap() - before; used > limit {
		t.Errorf("20 listings take %d bytes, want %d at most", used, limit)
	}
	c := s.guest()
	if got := c.get(epsv, "NLST /few"); got != "/few/f\r\n" {
		t.Errorf("another listing meanwhile is %q", got)
	}
}

func TestStatOfAMillionFilesIsRefusedBeforeAllAreRead(t *testing.T) {
	s, many := serveMany(t, 1_000_000)
	c := s.guest()
	for _, line := range []string{"STAT /many", "STAT /many/*", "STAT /*/*", "STAT -R /"} {
		before := many.Made()
		c.want(450, line)
		if n := many.Made() - before; n > 50_000 {
			t.Errorf("%s was refused after %d files were read", line, n)
		}
	}
}

func TestAListingOfManyFilesHasEachOnce(t *testing.T) {
	for _, n := range []int{9_999, 10_000, 10_001, fewer(60_000)} {
		s, many := serveMany(t, n)
		for _, line := range []string{"LIST /many", "NLST /many", "MLSD /many", "LIST /many/*", "NLST /*/file*", "LIST -R /many"} {
			t.Run(fmt.Sprint(n, " files by ", line), func(t *testing.T) {
				before := many.Made()
				defer func() {
					if made := many.Made() - before; made != int64(2*n) {
						t.Errorf("%d entries were read of a directory of %d", made, 2*n)
					}
				}()
				c := s.guest()
				got, last, isSorted := make(map[string]bool, n), "", true
				for text := range strings.Lines(c.get(epsv, line)) {
					name := text[max(strings.LastIndexByte(text, ' '), strings.LastIndexByte(text, '/'))+1:]
					name = strings.TrimSuffix(name, "\r\n")
					switch {
					case !strings.HasPrefix(name, "file-"):
						if strings.Contains(name, "hidden") {
							t.Fatalf("%q is shown", text)
						}
						continue
					case got[name]:
						t.Fatalf("%s comes twice", name)
					}
					isSorted = isSorted && last < name
					got[name], last = true, name
				}
				if len(got) != n {
					t.Errorf("got %d files, want %d", len(got), n)
				}
				if mayBe := n <= 10_000 && line != "LIST -R /many" && line != "NLST /*/file*"; isSorted != mayBe {
					t.Errorf("sorted is %v, want %v", isSorted, mayBe)
				}
			})
		}
	}
}

// A client that holds much of what all share is refused, and others are not.
func TestTheClientWithMostListingsIsRefused(t *testing.T) {
	s, _ := serveMany(t, 100_000)
	s.guest() // so that there is a budget
	s.BoundListingsForTest(40_000)
	var hogs []*client
	var stalled []net.Conn
	for {
		hog := s.guest()
		addr := hog.passive(epsv)
		hog.send("LIST /many")
		conn := hog.connect(addr)
		code, text, err := hog.reply()
		if code == 450 {
			break
		}
		if code != 150 {
			t.Fatalf("%q, %v", text, err)
		}
		_ = conn.SetReadBuffer(4 << 10) // so that it stalls
		hogs, stalled = append(hogs, hog), append(stalled, conn)
	}
	if n := len(hogs); n < 3 || n > 16 {
		t.Errorf("%d large listings are sent at once, want some", n)
	}
	c := s.guest()
	if got := c.get(epsv, "NLST /few"); got != "/few/f\r\n" {
		t.Errorf("a small listing meanwhile is %q", got)
	}
	for i, conn := range stalled {
		_ = conn.Close()
		hogs[i].expect(426, "LIST")
	}
	if n := strings.Count(c.get(epsv, "NLST /many"), "\n"); n != 100_000 {
		t.Errorf("a listing after that has %d lines", n)
	}
}

func TestAListingThatFailsInTheMiddleIsNoSuccess(t *testing.T) {
	many := nettest.NewManyFiles(20_000)
	many.Broken, many.BrokenAfter = errDisk, 30_000
	s := start(t, func(s *ftpd.Server) {
		s.Login = func(context.Context, ftpd.Client, string, string) (*ftpd.Account, error) {
			return &ftpd.Account{FS: many, Rights: ftpd.ReadOnly}, nil
		}
	})
	c := s.guest()
	for _, line := range []string{"LIST /many", "MLSD /many", "NLST /many/*"} {
		conn := c.data(epsv, line)
		if n, err := io.Copy(io.Discard, conn); err == nil {
			t.Errorf("%s ends after %d bytes as if it were whole", line, n)
		}
		c.expect(451, line)
	}
}

var errDisk = errors.New("the disk has failed")

func TestListRShowsADirectoryAndAllBeneathIt(t *testing.T) {
	s := start(t, nil)
	for _, name := range []string{"a/x/1", "a/2", "b/3", "4", ".h/5"} {
		if err := os.MkdirAll(filepath.Join(s.dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		s.file(name, 1)
	}
	if err := os.Symlink("a", filepath.Join(s.dir, "link")); err != nil {
		t.Skip(err)
	}
	c := s.guest()
	for _, tt := range []struct{ line, want string }{
		{"NLST -R", ".:|.h|4|a|b|link||./.h:|5||./a:|2|x||./a/x:|1||./b:|3"},
		{"NLST -lR a", "a:|2|x||a/x:|1"},
		{"NLST -R /a/", "/a:|2|x||/a/x:|1"},
		{"NLST -a -R b", "b:|3"},
		{"NLST -R link", "link:|2|x||link/x:|1"},
		{"NLST -R 4", "4"},
	} {
		got := strings.ReplaceAll(strings.TrimSuffix(c.get(pasv, tt.line), "\r\n"), "\r\n", "|")
		if got != tt.want {
			t.Errorf("%s = %s, want %s", tt.line, got, tt.want)
		}
	}
	if got := c.get(pasv, "LIST -R a"); !strings.HasPrefix(got, "a:\r\n-rw") || !strings.Contains(got, " x\r\n\r\na/x:\r\n-rw") {
		t.Errorf("LIST -R a = %q", got)
	}
	if got := c.want(212, "STAT -R a"); !strings.Contains(got, "a/x:") {
		t.Errorf("STAT -R a = %q", got)
	}
	c.passive(pasv)
	c.want(504, "LIST -R *")
	c.passive(pasv)
	c.want(550, "LIST -R none")
}

//go:build e2e

package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The group of web servers on Debian, and a user ID without an account.
const (
	webGroup = 33
	someUser = 1234
)

// startAs is startUnder for a server that runs as the user uid, with the web group as an
// additional group.
func startAs(t *testing.T, uid int, flags ...string) *server {
	t.Helper()
	needsRoot(t)
	needs(t, "setpriv")
	dir := t.TempDir()
	for _, open := range []string{filepath.Dir(program), filepath.Dir(dir)} { // so far only root may enter them
		if err := os.Chmod(open, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, uid, uid); err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprint(uid)
	wrapper := []string{"setpriv", "--reuid", id, "--regid", id, "--groups", fmt.Sprint(webGroup)}
	flags = append([]string{"--user", login, "--write"}, flags...)
	if uid != 0 {
		flags = append(flags, defaultUser) // setpriv has changed the user already
	}
	return startUnder(t, wrapper, dir, flags...)
}

// An upload that replaces a file keeps its owner, group and mode, as far as the server may
// set them.
func TestAnUploadOverAFileKeepsItsOwnerAndMode(t *testing.T) {
	for _, tt := range []struct {
		name     string
		server   int // user ID of the server
		flags    []string
		mode     os.FileMode // of the old file, which belongs to 33:33
		uid, gid uint32
		want     os.FileMode
	}{
		{"the group, by another member of it", someUser, nil, 0o660, someUser, webGroup, 0o660},
		{"a mode with fewer rights for others", someUser, nil, 0o664, someUser, webGroup, 0o664},
		{"owner and group, by root", 0, nil, 0o660, webGroup, webGroup, 0o660},
		{"an unusual mode, by root", 0, nil, 0o604, webGroup, webGroup, 0o604},
		{"everything, in place", someUser, []string{"--ftp-overwrite", "in-place"}, 0o660, webGroup, webGroup, 0o660},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startAs(t, tt.server, tt.flags...)
			s.file("n.php", 5000)
			if err := os.Chown(s.path("n.php"), webGroup, webGroup); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(s.path("n.php"), tt.mode); err != nil {
				t.Fatal(err)
			}
			c := s.loginAs(user)
			for _, size := range []int64{3000, 300_000} {
				c.wantPut(t, 226, "STOR n.php", 0, size)
				wantPattern(t, s.path("n.php"), 0, size)
				info, err := os.Stat(s.path("n.php"))
				if err != nil {
					t.Fatal(err)
				}
				st := info.Sys().(*syscall.Stat_t)
				if st.Uid != tt.uid || st.Gid != tt.gid || info.Mode().Perm() != tt.want {
					t.Errorf("%d:%d %v, want %d:%d %v", st.Uid, st.Gid, info.Mode(), tt.uid, tt.gid, tt.want)
				}
			}
		})
	}
}

// After an upload in place, other hard links of the file have the new content; otherwise
// they keep the old one.
func TestHardLinksOfAnOverwrittenFile(t *testing.T) {
	for how, want := range map[string]int64{"replace": 5000, "in-place": 300_000} {
		t.Run(how, func(t *testing.T) {
			s := startWritable(t, "--ftp-overwrite", how)
			s.file("f", 5000)
			if err := os.Link(s.path("f"), s.path("other")); err != nil {
				t.Fatal(err)
			}
			s.loginAs(user).wantPut(t, 226, "STOR f", 0, 300_000)
			wantPattern(t, s.path("f"), 0, 300_000)
			wantPattern(t, s.path("other"), 0, want)
		})
	}
}

// A program that waits for files sees a complete upload by IN_MOVED_TO, or by
// IN_CLOSE_WRITE if it is in place. (Before an upload replaces a file, the server checks
// whether it may write to the old one, which is an earlier IN_CLOSE_WRITE.)
func TestInotifyEventsOfAnUpload(t *testing.T) {
	for _, tt := range []struct {
		how    string
		want   uint32
		before string // an old file; "": none
	}{
		{"replace", unix.IN_MOVED_TO, ""},
		{"replace", unix.IN_MOVED_TO, "f"},
		{"in-place", unix.IN_CLOSE_WRITE, ""},
		{"in-place", unix.IN_CLOSE_WRITE, "f"},
	} {
		t.Run(fmt.Sprintf("%s, before it %q", tt.how, tt.before), func(t *testing.T) {
			s := startWritable(t, "--ftp-overwrite", tt.how)
			if tt.before != "" {
				s.file(tt.before, 5000)
			}
			next := watch(t, s.dir, tt.want)
			s.loginAs(user).wantPut(t, 226, "STOR f", 0, 300_000)
			name := next()
			for name != "f" {
				name = next() // skip events of hidden files
			}
			wantPattern(t, s.path("f"), 0, 300_000)
		})
	}
}

// watch watches a directory by inotify. next waits for an event and returns the name of
// its file.
func watch(t *testing.T, dir string, mask uint32) (next func() (name string)) {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "inotify")
	t.Cleanup(func() { _ = f.Close() })
	if _, err := unix.InotifyAddWatch(fd, dir, mask); err != nil {
		t.Fatal(err)
	}
	var events []byte
	return func() string {
		t.Helper()
		if len(events) == 0 {
			events = make([]byte, 4096)
			if err := f.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			n, err := f.Read(events)
			if err != nil {
				t.Fatal(err)
			}
			events = events[:n]
		}
		length := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
		event := events[:length]
		events = events[length:]
		return string(bytes.TrimRight(event[unix.SizeofInotifyEvent:], "\x00"))
	}
}

// A local program and a client append to one file, and no byte of either is lost.
func TestAClientAndAProgramAppendToOneFile(t *testing.T) {
	const lines = 2000 // in each append of the client
	s := startWritable(t)
	c := s.loginAs(user)
	for i := range times(2) {
		name := fmt.Sprintf("log%d", i)
		f, err := os.OpenFile(s.path(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		stop, written := make(chan struct{}), make(chan int)
		go func() {
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			n := 0
			for {
				select {
				case <-stop:
					written <- n
					return
				case <-tick.C:
					if _, err := fmt.Fprintf(f, "<%d>", n); err != nil {
						t.Error(err)
					}
					n++
				}
			}
		}()
		var want strings.Builder
		for part := range 2 { // the second append follows the first
			data, err := c.transfer(t.Context(), "APPE "+name)
			if err != nil {
				t.Fatal(err)
			}
			for line := range lines {
				text := fmt.Sprintf("line %d of append %d\n", line, part)
				want.WriteString(text)
				if _, err := data.Write([]byte(text)); err != nil {
					t.Fatal(err)
				}
				if line%20 == 0 {
					time.Sleep(time.Millisecond) // be no faster than the program
				}
			}
			_ = data.Close()
			if _, err := c.expect(226); err != nil {
				t.Fatal(err)
			}
		}
		close(stop)
		n := <-written
		_ = f.Close()
		got, err := os.ReadFile(s.path(name))
		if err != nil {
			t.Fatal(err)
		}
		theirs := regexp.MustCompile(`<\d+>`)
		for k, found := range theirs.FindAllString(string(got), -1) {
			if found != fmt.Sprintf("<%d>", k) {
				t.Fatalf("record %d of the program is %s", k, found)
			}
		}
		if found := len(theirs.FindAll(got, -1)); found != n || n < 50 {
			t.Errorf("%d records of the program, of %d", found, n)
		}
		if string(theirs.ReplaceAll(got, nil)) != want.String() {
			t.Errorf("the lines of the client differ from those it has sent: %d bytes, want %d", len(got), want.Len())
		}
	}
}

//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The names of files that every program must get right.
var listedNames = []string{
	"plain.txt", "with  two spaces.txt", " lead", "trail ", "Grüße, 東京 🌊.txt", "100% #1 & more;+=.txt", `<b>"quoted"'s.txt`,
	"colon:first", "javascript:x", "a?b", "semi;colon", "caf\xe9", "new\nline", "tab\tx", ".dot", "..x", "-dash", "_x", `back\slash`,
	"&amp;.txt", "a*[b]{c}|d", "x@y", "Parent Directory", "Name", "sub/deep er/f", "sub/日本/f", "a=b/f", ".d/f", "sub/index.htm",
}

// Names that some programs misread themselves, however they are encoded.
const (
	escaped  = "%41.txt"  // wget saves it as A.txt
	tilde    = "~tilde"   // lftp takes it for a home
	hashDir  = "d#1/f"    // wget2 forgets the escape when it resolves links
	colonDir = "http:/f"  // rclone asks for /./http:/ and takes its files for others
	percent  = "d%20x/f2" // wget2 as with hashDir
)

// startListed serves the names, and logs in JSON.
func startListed(t *testing.T, more ...string) *server {
	t.Helper()
	s := start(t, "--hidden", "--log-format", "json")
	for i, name := range append(more, listedNames...) {
		s.file(name, int64(i+1)*1000) // httpdirfs does not show empty files
	}
	return s
}

// gets stops the server and returns how often each target was sent to a GET.
func (s *server) gets() map[string]int {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	s.wantExit(patience) // the log is whole
	gets := make(map[string]int)
	for line := range strings.Lines(s.log.String()) {
		var request struct {
			Msg, Op, Target string
			Status          int
		}
		if err := json.Unmarshal([]byte(line), &request); err != nil {
			s.t.Fatalf("%v in %s", err, line)
		}
		if request.Msg == "http" && request.Op == "GET" && request.Status == 200 {
			gets[request.Target]++
		}
	}
	return gets
}

// wantEachOnce checks that gets has each file of the server once, and each directory.
func (s *server) wantEachOnce(gets map[string]int) {
	s.t.Helper()
	want, got := make(map[string]int), make(map[string]int)
	err := fs.WalkDir(os.DirFS(s.dir), ".", func(name string, d fs.DirEntry, err error) error {
		target := "/" + name
		switch {
		case name == ".":
			target = "/"
		case d.IsDir():
			target += "/"
		}
		want[target] = 1
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for target, n := range gets {
		path, query, _ := strings.Cut(target, "?")
		name, err := url.PathUnescape(path)
		if err != nil || query != "" || strings.Contains(target, "?") {
			name = target
		}
		got[strings.Replace(name, "/./", "/", 1)] += n // rclone writes ./ before a colon
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// Sort links and archives in the listings made wget fetch each directory ten times, and
// its content three times more. wget2 asks for pages as browsers do.
func TestWgetRFetchesEveryFileOnce(t *testing.T) {
	for program, more := range map[string][]string{
		"wget":  {tilde, hashDir, colonDir, percent},
		"wget2": {tilde, escaped, colonDir},
	} {
		t.Run(program, func(t *testing.T) {
			s := startListed(t, more...)
			dir := t.TempDir()
			run(t, dir, program, "-q", "-r", "-l", "inf", "-np", "-nH", "--restrict-file-names=nocontrol", s.http.String())
			removeListings(t, dir)
			wantSameTree(t, dir, s.dir)
			s.wantEachOnce(s.gets())
		})
	}
}

// removeListings removes the listings that wget keeps as index.html.
func removeListings(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Base(name) == "index.html" {
			return os.Remove(name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLftpMirrorsByHTTP(t *testing.T) {
	s := startListed(t, escaped, hashDir, colonDir, percent)
	dir := filepath.Join(t.TempDir(), "copy")
	run(t, t.TempDir(), "lftp", "-c", "set cmd:fail-exit yes; set net:max-retries 1; open "+s.http.String()+"; mirror . "+dir)
	wantSameTree(t, dir, s.dir)
	s.wantEachOnce(s.gets())
}

func TestRcloneCopiesByHTTP(t *testing.T) {
	s := startListed(t, tilde, escaped, hashDir, percent)
	dir := t.TempDir()
	run(t, dir, "rclone", "copy", "--http-url", s.http.String(), ":http:", ".")
	wantSameTree(t, dir, s.dir)
	gone := []string{"new\nline", "tab\tx"} // rclone check writes them in two ways, and finds neither
	for _, name := range gone {
		if err := errors.Join(os.Remove(s.path(name)), os.Remove(filepath.Join(dir, name))); err != nil {
			t.Fatal(err)
		}
	}
	if out, status := try(t, dir, "rclone", "check", "--http-url", s.http.String(), ":http:", "."); status != 0 || !strings.Contains(out, "0 differences") {
		t.Errorf("rclone check ended with %d:\n%s", status, out)
	}
	gets := s.gets()
	for target := range gets {
		if strings.HasSuffix(target, "/") {
			gets[target]-- // both commands read each directory
		}
	}
	for _, name := range gone {
		s.file(name, 1)
	}
	s.wantEachOnce(gets)
}

func TestHttpdirfsMountsATree(t *testing.T) {
	needsRoot(t)
	s := startListed(t, tilde, escaped, hashDir, colonDir, percent)
	dir := t.TempDir()
	run(t, t.TempDir(), "httpdirfs", s.http.String(), dir) // ends when the tree is mounted
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v\n%s", err, out)
		}
	})
	wantSameTree(t, dir, s.dir)
	info, err := os.Stat(filepath.Join(dir, "plain.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if want, err := os.Stat(s.path("plain.txt")); err != nil || info.Size() != want.Size() || info.ModTime().Unix() != want.ModTime().Unix() {
		t.Errorf("plain.txt has %d bytes of %v, want those of %v, %v", info.Size(), info.ModTime(), want, err)
	}
}

func TestLftpReadsSizesAndTimesOfAListing(t *testing.T) {
	s := start(t)
	s.file("plain.txt", 1234)
	s.file("dir/f", 1)
	out := run(t, t.TempDir(), "lftp", "-c", "set cmd:fail-exit yes; open "+s.http.String()+"; ls")
	info, err := os.Stat(s.path("plain.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1234  " + info.ModTime().UTC().Format("2006-01-02 15:04") + "  plain.txt\n", "  dir\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("lftp lacks %q:\n%s", want, out)
		}
	}
}

func TestBrowsersGetThePageForPeople(t *testing.T) {
	s := start(t)
	s.file("dir/x", 1234)
	page := browse(t, t.TempDir(), "--dump-dom", s.http.String())
	for _, want := range []string{"<button>zip</button>", `<input type="search"`, "<button>Size</button>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s:\n%s", want, page)
		}
	}
	program := curl(t, t.TempDir(), s.http.String())
	if !strings.Contains(program, `<a href="dir/">dir/</a>`) || strings.Contains(program, "<form") {
		t.Errorf("a program gets\n%s", program)
	}
}

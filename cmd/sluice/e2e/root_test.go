//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// serveLink serves the link cur, which points to the first of two directories with one file
// each.
func serveLink(t *testing.T) (s *server, dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range map[string]string{"rel1": "one", "rel2": "two"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "f"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, "ln", "-sfn", "rel1", "cur")
	s = startUnder(t, nil, filepath.Join(dir, "cur"), "--user", login, "--write")
	s.wantBoth("one")
	return s, dir
}

// wantBoth checks that within a second f has this content, by HTTP and by FTP.
func (s *server) wantBoth(want string) {
	s.t.Helper()
	const late = time.Second + 500*time.Millisecond // a second, and the time that curl takes
	for _, scheme := range []string{"http", "ftp"} {
		var got string
		for begin := time.Now(); got != want && time.Since(begin) < late; {
			got, _ = try(s.t, s.t.TempDir(), "curl", "-sS", s.urlOf(scheme, "f"))
		}
		if got != want {
			s.t.Errorf("by %s: %q, want %q; log:\n%s", scheme, got, want, s.log)
		}
	}
}

// faults-http.md, H5.
func TestARootThatIsALinkFollowsItsTarget(t *testing.T) {
	s, dir := serveLink(t)
	writePattern(t, filepath.Join(dir, "rel1", "large"), large)
	running := s.downloadAll("large")
	up := s.beginUpload("up")
	run(t, dir, "ln", "-sfn", "rel2", "n")
	run(t, dir, "mv", "-T", "n", "cur")
	s.wantBoth("two")
	for i, d := range running {
		if err := d.finish(t, large); err != nil {
			t.Errorf("%s, from the old target: %v", protocols[i].name, err)
		}
	}
	if err := up.finish(1 << 20); err != nil {
		t.Errorf("the upload, to the old target: %v", err)
	}
	wantPattern(t, filepath.Join(dir, "rel1", "up"), 0, 1<<20)
	s.signal(syscall.SIGHUP)
	s.wantBoth("two")
}

func TestARecreatedRootIsServed(t *testing.T) {
	s, dir := serveLink(t)
	run(t, dir, "rm", "-rf", "rel1")
	run(t, dir, "mkdir", "rel1")
	run(t, dir, "cp", "rel2/f", "rel1/f")
	s.wantBoth("two")
	if got := s.log.String(); strings.Contains(got, "level=ERROR") {
		t.Error(got)
	}
}

func TestAMountOverTheRootIsServed(t *testing.T) {
	needsRoot(t)
	s, dir := serveLink(t)
	run(t, dir, "mount", "--bind", "rel2", "rel1")
	t.Cleanup(func() { _ = syscall.Unmount(filepath.Join(dir, "rel1"), 2) }) // MNT_DETACH
	s.wantBoth("two")
	run(t, dir, "umount", "-l", "rel1")
	s.wantBoth("one")
}

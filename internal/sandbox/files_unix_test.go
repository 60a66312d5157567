//go:build unix

package sandbox

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestMain(m *testing.M) {
	RunHelper()
	os.Exit(m.Run())
}

func startFiles(t *testing.T, named NamedFiles) *Files {
	t.Helper()
	f, err := StartFiles(named)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestHelperOpensNamedFiles(t *testing.T) {
	dir := t.TempDir()
	name, link, other := filepath.Join(dir, "f"), filepath.Join(dir, "link"), filepath.Join(dir, "g")
	write(t, name, "one")
	write(t, other, "secret")
	if err := os.Symlink("f", link); err != nil {
		t.Fatal(err)
	}
	f := startFiles(t, NamedFiles{Read: []string{name, link}})
	want := func(name, content string) {
		t.Helper()
		if got, err := f.ReadFile(name); err != nil || string(got) != content {
			t.Errorf("%s: got %q, %v, want %q", filepath.Base(name), got, err, content)
		}
	}
	want(name, "one")
	want(link, "one")
	// A replaced file is found by its name.
	write(t, name+"~", "two")
	if err := os.Rename(name+"~", name); err != nil {
		t.Fatal(err)
	}
	want(name, "two")
	want(link, "two")
	if _, err := f.Open(other); !errors.As(err, new(ErrNotNamed)) {
		t.Errorf("a file that was not named: got %v, want ErrNotNamed", err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Open(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a removed file: got %v, want %v", err, fs.ErrNotExist)
	}
	if err := f.Check(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Check: got %v, want %v", err, fs.ErrNotExist)
	}
}

// An attacker who controls the server can send any request to the helper.
func TestHelperRefusesOtherRequests(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	write(t, name, "one")
	f := startFiles(t, NamedFiles{Read: []string{name}, Remove: []string{name}})
	for _, tt := range []struct {
		name  string
		op    byte
		index int
	}{
		{"an index beyond the list", opOpen, 1},
		{"the highest index", opOpen, 1<<16 - 1},
		{"an unknown operation", 'x', 0},
		{"removing a file that is not a socket", opRemove, 0},
		{"removing beyond the list", opRemove, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if file, err := f.helper.request(tt.op, tt.index, ""); !errors.Is(err, syscall.EINVAL) || file != nil {
				t.Errorf("got %v, %v, want EINVAL", file, err)
			}
		})
	}
	if got, err := f.ReadFile(name); err != nil || string(got) != "one" {
		t.Errorf("afterwards: got %q, %v", got, err)
	}
}

func TestHelperRemovesSockets(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if err := startFiles(t, NamedFiles{Remove: []string{name}}).Remove(name); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
}

func TestEndedHelperIsAnError(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	write(t, name, "one")
	f := startFiles(t, NamedFiles{Read: []string{name}})
	if err := f.helper.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := f.Open(name); err == nil || !strings.Contains(err.Error(), "has ended") {
			t.Errorf("got %v, want an error that says it has ended", err)
		}
	}
}

func TestHelperEndsWithItsSocket(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	write(t, name, "one")
	f := startFiles(t, NamedFiles{Read: []string{name}})
	if err := f.Close(); err != nil { // waits for the end of the helper, which must exit with 0
		t.Error(err)
	}
}

func TestNoHelperWithoutNames(t *testing.T) {
	f, err := StartFiles(NamedFiles{})
	if f != nil || err != nil {
		t.Fatalf("got %v, %v, want nil", f, err)
	}
	name := filepath.Join(t.TempDir(), "f")
	write(t, name, "one")
	if got, err := f.ReadFile(name); err != nil || string(got) != "one" {
		t.Errorf("got %q, %v, want the file", got, err)
	}
}

//go:build unix

package vfs_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"
	"golang.org/x/sys/unix"

	"sluice/internal/vfs"
)

// atOnce fails the test if f does not return. The timeout matters only then.
func atOnce(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the call hangs")
	}
}

// refusesSpecial runs each method on a special file, which put makes.
func refusesSpecial(t *testing.T, kind string, put func(t *testing.T, path string)) {
	t.Helper()
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		for _, m := range methods() {
			t.Run(m.name, func(t *testing.T) {
				dir, err := os.MkdirTemp("", "vfs") // short, because the path of a socket is limited to about 100 bytes
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = os.RemoveAll(dir) })
				plant(t, dir, map[string]string{other: "inside", "link": "-> special"})
				put(t, filepath.Join(dir, "special"))
				tree := opener(t, dir).Writable()
				for _, name := range []string{"link", "special/x", "special"} {
					atOnce(t, func() { _, err = m.do(tree, name) })
					checkError(t, err, name, dir)
					if name == "special/x" {
						continue
					}
					switch opens := strings.Contains(m.name, "File") || m.name == "Open" || m.name == "Create"; {
					case opens && m.follows, m.name == "Stat":
						if !errors.Is(err, vfs.ErrSpecial) {
							t.Errorf("%s: got %v, want %v", name, err, vfs.ErrSpecial)
						}
					case m.name == "ReadDir", m.name == "Walk", m.name == "Entries":
						if !errors.Is(err, unix.ENOTDIR) {
							t.Errorf("%s: got %v, want %v", name, err, unix.ENOTDIR)
						}
					}
				}
			})
		}
		t.Run("ReadDir of its directory", func(t *testing.T) {
			dir, err := os.MkdirTemp("", "vfs")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			plant(t, dir, map[string]string{"file": "inside", "link": "-> special"})
			put(t, filepath.Join(dir, "special"))
			tree := opener(t, dir)
			atOnce(t, func() {
				infos, err := tree.ReadDir("/")
				if got, want := list(infos), "file"; got != want || err != nil {
					t.Errorf("got %s, %v, want %s", got, err, want)
				}
			})
			atOnce(t, func() {
				infos, err := tree.Entries("/")
				if got, want := entries(infos), "file, link -> special, special "+kind; got != want || err != nil {
					t.Errorf("Entries: got %s, %v, want %s", got, err, want)
				}
			})
		})
	})
}

func TestFIFOIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	refusesSpecial(t, "p---------", func(t *testing.T, path string) {
		if err := unix.Mkfifo(path, 0o666); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSocketIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	refusesSpecial(t, "S---------", func(t *testing.T, path string) {
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
	})
}

func TestRootThatIsAFIFOIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	atOnce(t, func() {
		if _, err := vfs.Open(path); !errors.Is(err, unix.ENOTDIR) {
			t.Errorf("got %v, want %v", err, unix.ENOTDIR)
		}
	})
}

// Without this, a directory with a special file could not be removed.
func TestSpecialFilesCanBeRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plant(t, dir, map[string]string{"d/": "", "e/": ""})
	for _, name := range []string{"fifo", "d/fifo", "e/fifo"} {
		if err := unix.Mkfifo(filepath.Join(dir, name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	tree := openTree(t, dir).Writable()
	if fi, err := tree.Lstat("fifo"); err != nil || fi.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("Lstat: got %v, %v, want a FIFO", fi, err)
	}
	for _, err := range []error{tree.Remove("fifo"), tree.Remove("d/fifo"), tree.RemoveDir("d"), tree.RemoveAll("e")} {
		if err != nil {
			t.Error(err)
		}
	}
}

func TestErrorForAnUnreadableRootHasItsName(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root can read everything")
	}
	for _, mode := range []os.FileMode{0, 0o444, 0o111} {
		dir := t.TempDir()
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		tree, err := vfs.Open(dir)
		if err == nil {
			_ = tree.Close()
		}
		if !errors.Is(err, unix.EACCES) || !strings.Contains(err.Error(), dir) {
			t.Errorf("mode %v: got %v, want %v about %s", mode, err, unix.EACCES, dir)
		}
	}
}

func TestFilesAreBlockingAndClosedOnExec(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		dir := t.TempDir()
		plant(t, dir, map[string]string{"f": "x"})
		tree := opener(t, dir).Writable()
		for _, flag := range []int{os.O_RDONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND} {
			f, err := tree.File("f", flag, 0)
			if err != nil {
				t.Fatal(err)
			}
			got, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
			if err != nil {
				t.Fatal(err)
			}
			if want := flag; got&(unix.O_ACCMODE|unix.O_APPEND|unix.O_NONBLOCK) != want {
				t.Errorf("flags: got %#x, want %#x", got, want)
			}
			if got, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); got&unix.FD_CLOEXEC == 0 || err != nil {
				t.Errorf("descriptor flags: got %#x, %v, want close-on-exec", got, err)
			}
			if err := f.SetDeadline(time.Now()); !errors.Is(err, os.ErrNoDeadline) {
				t.Errorf("SetDeadline: got %v, want %v, which means that it is not in the poller", err, os.ErrNoDeadline)
			}
			_ = f.Close()
		}
	})
}

func TestSpecialFilesOfOtherFileSystemsAreRefusedAtOnce(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Skip("no FIFO can be made here:", err)
	}
	if err := os.Symlink("fifo", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	tree := vfs.Of(afero.NewBasePathFs(afero.NewOsFs(), dir))
	for _, name := range []string{"fifo", "link"} {
		for _, flag := range []int{os.O_RDONLY, os.O_WRONLY, os.O_RDWR | os.O_CREATE} {
			if _, err := tree.OpenFile(name, flag, 0o600); !errors.Is(err, vfs.ErrSpecial) {
				t.Errorf("OpenFile(%q, %#x) = %v, want %v", name, flag, err, vfs.ErrSpecial)
			}
		}
		if _, err := tree.Stat(name); !errors.Is(err, vfs.ErrSpecial) {
			t.Errorf("Stat(%q) = %v, want %v", name, err, vfs.ErrSpecial)
		}
	}
	if infos, err := tree.ReadDir("/"); err != nil || len(infos) != 0 {
		t.Errorf("ReadDir = %v, %v, want nothing", infos, err)
	}
	infos, err := tree.Entries("/")
	if got, want := entries(infos), "fifo p---------, link -> fifo"; got != want || err != nil {
		t.Errorf("Entries: got %s, %v, want %s", got, err, want)
	}
}

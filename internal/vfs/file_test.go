package vfs_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

func TestEveryOpenReturnsAnOSFile(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		dir := nettest.TempDir(t)
		plant(t, dir, map[string]string{"f": "x"})
		var tree afero.Fs = opener(t, dir).Writable()
		opens := map[string]func() (afero.File, error){
			"Open":                func() (afero.File, error) { return tree.Open("f") },
			"Open of a directory": func() (afero.File, error) { return tree.Open("/") },
			"OpenFile":            func() (afero.File, error) { return tree.OpenFile("f", os.O_RDWR, 0) },
			"Create":              func() (afero.File, error) { return tree.Create("g") },
		}
		for name, open := range opens {
			f, err := open()
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := f.(*os.File); !ok {
				t.Errorf("%s: got a %T, want an *os.File", name, f)
			}
			_ = f.Close()
		}
	})
}

func TestFailedOpenReturnsNil(t *testing.T) {
	t.Parallel()
	tree := openTree(t, nettest.TempDir(t))
	if f, err := tree.Open("missing"); f != nil || err == nil { // a nil *os.File in the interface would not be nil
		t.Errorf("got %v, %v, want nil and an error", f, err)
	}
}

func TestFileHasTheCleanedName(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		host := fixture(t)
		tree := opener(t, filepath.Join(host, "root"))
		tests := []struct{ name, want string }{
			{"/", "."},
			{"", "."},
			{"dir", "dir"},
			{"/dir/./file", "dir/file"},
			{"x/../relative", "relative"},
			{"here/relative-dir/file", "here/relative-dir/file"},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				if strings.Contains(tt.name, "relative") {
					needsLinks(t)
				}
				f, err := tree.File(tt.name, os.O_RDONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				if got := f.Name(); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				_ = f.Close()
				if _, err := f.Stat(); err == nil || strings.Contains(err.Error(), host) {
					t.Errorf("error of the closed file: got %v, want one without the path on the host", err)
				}
			})
		}
	})
}

// If Readdir used the name of the file, which is that of the client, it would describe other files.
func TestReaddirOfAFileDescribesTheOpenDirectory(t *testing.T) {
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		dir, decoy := nettest.TempDir(t), nettest.TempDir(t)
		plant(t, dir, map[string]string{"etc/passwd": "inside"})
		plant(t, decoy, map[string]string{"etc/passwd": "a longer file of the same name"})
		t.Chdir(decoy)
		f, err := opener(t, dir).Open("etc")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		infos, err := f.Readdir(-1)
		if err != nil || len(infos) != 1 {
			t.Fatalf("got %v, %v, want one entry", infos, err)
		}
		if got, want := infos[0].Size(), int64(len("inside")); got != want {
			t.Errorf("size: got %v, want %v", got, want)
		}
	})
}

func TestReadAtDoesNotMoveThePosition(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		dir := nettest.TempDir(t)
		plant(t, dir, map[string]string{"f": "0123456789"})
		f, err := opener(t, dir).File("f", os.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, off := range []int64{7, 0, 3} {
			buf := make([]byte, 3)
			if _, err := f.ReadAt(buf, off); err != nil {
				t.Fatal(err)
			}
			if got, want := string(buf), "0123456789"[off:off+3]; got != want {
				t.Errorf("ReadAt(%d): got %q, want %q", off, got, want)
			}
		}
		if pos, err := f.Seek(0, io.SeekCurrent); pos != 0 || err != nil {
			t.Errorf("position after ReadAt: got %v, %v, want 0", pos, err)
		}
	})
}

func TestOpenFlagsKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		flag int
		want string // of a file that held "old"
		err  error
	}{
		{"writing starts at the beginning", os.O_WRONLY, "newer", nil},
		{"appending starts at the end", os.O_WRONLY | os.O_APPEND, "oldnewer", nil},
		{"truncating removes the content", os.O_WRONLY | os.O_TRUNC, "newer", nil},
		{"creating keeps existing content", os.O_WRONLY | os.O_CREATE, "newer", nil},
		{"O_EXCL refuses an existing file", os.O_WRONLY | os.O_CREATE | os.O_EXCL, "old", fs.ErrExist},
	}
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				dir := nettest.TempDir(t)
				plant(t, dir, map[string]string{"f": "old"})
				tree := opener(t, dir).Writable()
				if err := put(tree, "f", tt.flag, "newer"); !errors.Is(err, tt.err) {
					t.Errorf("got %v, want %v", err, tt.err)
				}
				if got, err := content(tree, "f"); got != tt.want || err != nil {
					t.Errorf("got %q, %v, want %q", got, err, tt.want)
				}
			})
		}
	})
}

func TestOnlyPermissionBitsAreAccepted(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		dir := nettest.TempDir(t)
		plant(t, dir, map[string]string{"f": "x"})
		tree := opener(t, dir).Writable()
		for _, mode := range []fs.FileMode{fs.ModeSetuid | 0o755, fs.ModeSticky, fs.ModeDir | 0o755, 0o4755} {
			_, createErr := tree.File("new", os.O_RDWR|os.O_CREATE, mode)
			for method, err := range map[string]error{
				"File":     createErr,
				"Mkdir":    tree.Mkdir("new", mode),
				"MkdirAll": tree.MkdirAll("new/new", mode),
				"Chmod":    tree.Chmod("f", mode),
			} {
				if !errors.Is(err, fs.ErrInvalid) {
					t.Errorf("%s with mode %v: got %v, want %v", method, mode, err, fs.ErrInvalid)
				}
			}
		}
		if infos, err := tree.ReadDir("/"); len(infos) != 1 || err != nil {
			t.Errorf("got %v, %v, want nothing new", infos, err)
		}
	})
}

func TestNewFilesHaveTheGivenMode(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no permission bits")
	}
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		tree := opener(t, nettest.TempDir(t)).Writable()
		f, err := tree.File("f", os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		if err := tree.MkdirAll("d/e", 0o700); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]fs.FileMode{"f": 0o600, "d": fs.ModeDir | 0o700, "d/e": fs.ModeDir | 0o700} {
			fi, err := tree.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if got := fi.Mode(); got != want {
				t.Errorf("mode of %s: got %v, want %v", name, got, want)
			}
		}
	})
}

// On Unix a name may contain every byte except slash and NUL.
func TestNamesAreBytes(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skipf("the file systems of %s refuse some of these names", runtime.GOOS)
	}
	names := []string{
		"\xff\xfe", `back\slash`, `..\up`, "new\nline", " ", "...", "-rf", "a:b", "NUL", "\x7f\x01", "ü", "u\u0308",
	}
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		for _, name := range names {
			t.Run(fmt.Sprintf("%q", name), func(t *testing.T) {
				dir := nettest.TempDir(t)
				tree := opener(t, dir).Writable()
				if err := put(tree, "/"+name, os.O_WRONLY|os.O_CREATE, "inside"); err != nil {
					t.Fatal(err)
				}
				if b, err := os.ReadFile(filepath.Join(dir, name)); string(b) != "inside" || err != nil {
					t.Errorf("on the disk: got %q, %v, want %q", b, err, "inside")
				}
				if infos, err := tree.ReadDir("."); err != nil || len(infos) != 1 || infos[0].Name() != name {
					t.Errorf("ReadDir: got %v, %v, want %q", infos, err, name)
				}
				if fi, err := tree.Stat(name); err != nil || fi.Name() != name {
					t.Errorf("Stat: got %v, %v, want %q", fi, err, name)
				}
				if err := tree.Rename(name, "plain"); err != nil {
					t.Error(err)
				}
				if err := tree.Rename("plain", name); err != nil {
					t.Error(err)
				}
				if err := tree.Remove(name); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

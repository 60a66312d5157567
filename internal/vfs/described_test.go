package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// copyingFS has files whose content is also in a file of the system.
type copyingFS struct {
	afero.Fs
	local string // the name of that file
	stats int    // calls of Stat
}

func (c *copyingFS) Open(name string) (afero.File, error) {
	f, err := c.Fs.Open(name)
	if info, e := c.Fs.Stat(name); err != nil || e != nil || info.IsDir() {
		return f, errors.Join(err, e)
	}
	local, err := os.Open(c.local)
	return wrapper{f, local}, err
}

func (c *copyingFS) Stat(name string) (fs.FileInfo, error) {
	c.stats++
	return c.Fs.Stat(name)
}

// plainFS has no special files.
type plainFS struct{ *copyingFS }

func (plainFS) NoSpecialFiles() {}

func TestAFileKeepsItsDescription(t *testing.T) {
	dir := nettest.TempDir(t)
	local := filepath.Join(dir, "hash")
	if err := os.WriteFile(local, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	then := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	memory := afero.NewMemMapFs()
	for name, content := range map[string]string{"/d/same": "content", "/d/other size": "more content"} {
		if err := errors.Join(afero.WriteFile(memory, name, []byte(content), 0o644), memory.Chtimes(name, then, then)); err != nil {
			t.Fatal(err)
		}
	}
	copying := &copyingFS{Fs: memory, local: local}
	for name, fsys := range map[string]afero.Fs{
		"": copying, "no special files": plainFS{copying}, "below a BasePathFs": afero.NewBasePathFs(copying, "/"),
	} {
		t.Run(name, func(t *testing.T) {
			f, err := vfs.Of(fsys).Open("/d/same")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			info, err := f.Stat()
			if err != nil || info.Name() != "same" || !info.ModTime().Equal(then) || info.Mode() != 0o644 || f.Name() != "d/same" {
				t.Errorf("it is described as %v, %v", info, err)
			}
			osFile, ok := vfs.OSFile(f)
			if content := vfs.Content(f); !ok || content != io.ReaderAt(osFile) {
				t.Errorf("the content is %T, want the *os.File", content)
			}

			f, err = vfs.Of(fsys).Open("/d/other size") // no copy of the file
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, ok := f.(*os.File); !ok {
				t.Errorf("got a %T, want an *os.File", f)
			}
			if vfs.Content(f) != io.ReaderAt(f) {
				t.Error("Content has changed an *os.File")
			}
		})
	}
}

func TestAFileSystemWithoutSpecialFilesIsNotAskedBeforeOpen(t *testing.T) {
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, "/f", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	copying := &copyingFS{Fs: memory, local: os.Args[0]}
	tree := vfs.Of(plainFS{copying})
	if _, err := tree.Stat("/"); err != nil { // it finds out the form of names
		t.Fatal(err)
	}
	copying.stats = 0
	f, err := tree.Open("/f")
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if _, err := tree.Open("/missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if copying.stats != 0 {
		t.Errorf("Stat was called %d times", copying.stats)
	}
	if _, err := tree.OpenFile("/missing/f", os.O_WRONLY|os.O_CREATE, 0o644); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file in a missing directory: %v", err)
	}
}

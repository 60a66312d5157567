package vfs_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// A file that changes between Stat and Open has the size of the open file.
func TestSizeIsThatOfTheOpenFile(t *testing.T) {
	for _, before := range []string{"", "before", "before, and much longer than after"} {
		memory := afero.NewMemMapFs()
		write := func(content string) {
			if err := afero.WriteFile(memory, "/f", []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		write(before)
		const after = "after, and longer"
		f, err := vfs.Of(&odd{Fs: memory, open: func(name string) (afero.File, error) {
			if name == "/f" {
				write(after)
			}
			return memory.Open(name)
		}}).Open("f")
		if err != nil {
			t.Fatal(err)
		}
		if fi, err := f.Stat(); err != nil || fi.Size() != int64(len(after)) {
			t.Errorf("%q: it has %d bytes, %v, want %d", before, fi.Size(), err, len(after))
		}
		readEverywhere(t, f, after)
		_ = f.Close()
	}
}

// forward is a file that can only be read sequentially.
type forward struct{ afero.File }

func (forward) Seek(int64, int) (int64, error)         { return 0, errors.ErrUnsupported }
func (forward) ReadAt([]byte, int64) (int, error)      { return -1, errors.ErrUnsupported }
func (f forward) Readdir(n int) ([]fs.FileInfo, error) { return f.File.Readdir(n) }

// To go back in a file that cannot seek, the handle opens it again. By then the
// name may mean another file.
func TestReadAtNeverMixesTwoFiles(t *testing.T) {
	memory := afero.NewMemMapFs()
	write := func(content string) {
		if err := errors.Join(afero.WriteFile(memory, "/new", []byte(content), 0o644), memory.Rename("/new", "/f")); err != nil {
			t.Fatal(err)
		}
	}
	write("one file")
	opened := 0
	f, err := vfs.Of(&odd{Fs: memory, open: func(name string) (afero.File, error) {
		f, err := memory.Open(name)
		if name == "/f" {
			opened++
		}
		return forward{f}, err
	}}).Open("f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read := func(off int64) (string, error) {
		p := make([]byte, 3)
		n, err := f.ReadAt(p, off)
		return string(p[:n]), err
	}
	for _, off := range []int64{4, 0} {
		if got, err := read(off); err != nil || got != "one file"[off:off+3] {
			t.Fatalf("at %d: got %q, %v", off, got, err)
		}
	}
	write("another one")
	if got, err := read(0); err == nil {
		t.Errorf("got %q of another file", got)
	}
	if got, err := read(4); err == nil && got != "fil" {
		t.Errorf("after that got %q of another file", got)
	}
	if opened != 3 {
		t.Errorf("opened %d times, want 3", opened)
	}
}

// As long as the root cannot be read, the form of names that it needs is not known.
func TestRootThatAppearsLaterIsFound(t *testing.T) {
	dir := filepath.Join(nettest.TempDir(t), "later")
	tree := vfs.Of(afero.FromIOFS{FS: os.DirFS(dir)})
	if _, err := tree.Stat("/f"); err == nil {
		t.Fatal("a file exists in a directory that does not")
	}
	err := os.Mkdir(dir, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Stat("/f"); err != nil {
		t.Errorf("got %v for an existing file", err)
	}
	broken := true
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, "/f", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tree = vfs.Of(&odd{Fs: afero.FromIOFS{FS: afero.NewIOFS(memory)}, stat: func(name string) (fs.FileInfo, error) {
		if broken {
			panic("not yet")
		}
		if !fs.ValidPath(name) {
			return nil, fs.ErrInvalid
		}
		return memory.Stat(path.Join("/", name))
	}})
	_, _ = tree.Stat("/f")
	broken = false
	if _, err := tree.Stat("/f"); err != nil {
		t.Errorf("got %v after the file system works again", err)
	}
}

// dirOf is a directory with the given entries.
type dirOf struct {
	afero.File
	infos []fs.FileInfo
	err   error
}

func (d dirOf) Readdir(int) ([]fs.FileInfo, error) { return d.infos, d.err }

func (d dirOf) Readdirnames(int) ([]string, error) { return nil, errors.New("no names") }

// named is a FileInfo with another name.
type named struct {
	fs.FileInfo
	name string
}

func (n named) Name() string { return n.name }

// Impossible entries of a directory do not hide the others.
func TestReadDirSkipsImpossibleEntries(t *testing.T) {
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, "/d/f", []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := memory.Stat("/d/f")
	if err != nil {
		t.Fatal(err)
	}
	as := func(name string) fs.FileInfo { return named{file, name} }
	for _, tt := range []struct {
		name  string
		infos []fs.FileInfo
		err   error
		want  string
	}{
		{"itself and its parents", []fs.FileInfo{as("."), as(".."), as(""), as("/"), as("a")}, nil, "[a]"},
		{"slashes after names", []fs.FileInfo{as("a/"), as("b//")}, nil, "[a b]"},
		{"nil entries", []fs.FileInfo{nil, as("a"), nil}, nil, "[a]"},
		{"an entry twice", []fs.FileInfo{as("a"), as("b"), as("a")}, nil, "[a b]"},
		{"an entry twice, once with a slash", []fs.FileInfo{as("a"), as("a/")}, nil, "[a]"},
		{"io.EOF after the entries", []fs.FileInfo{as("a")}, io.EOF, "[a]"},
		{"io.EOF without entries", nil, io.EOF, "[]"},
	} {
		infos, err := vfs.Of(&odd{Fs: memory, open: func(name string) (afero.File, error) {
			f, err := memory.Open(name)
			if name == "/d" {
				return dirOf{f, tt.infos, tt.err}, err
			}
			return f, err
		}}).ReadDir("/d")
		names := []string{}
		for _, fi := range infos {
			names = append(names, fi.Name())
		}
		if got := fmt.Sprint(names); err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.name, got, err, tt.want)
		}
	}
}

// On Windows a backslash is a separator for the file system but not for
// cleanName: a name such as ..\x would lead out of the base.
func TestBackslashIsNoSeparator(t *testing.T) {
	dir := nettest.TempDir(t)
	for _, name := range []string{"pub/f", "pub-secret/f"} {
		full := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte("x"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	tree := vfs.Of(afero.NewBasePathFs(afero.NewOsFs(), filepath.Join(dir, "pub")))
	for _, name := range []string{`..\pub-secret\f`, `x\..\..\pub-secret\f`, `\..\pub-secret\f`} {
		if _, err := tree.Open(name); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Open(%q) = %v", name, err)
		}
	}
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, `/a\b`, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := vfs.Of(memory).Stat(`a\b`); (err == nil) != (filepath.Separator == '/') {
		t.Errorf("a name with a backslash: %v", err)
	}
}

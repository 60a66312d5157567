package vfs_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// readAll returns all entries of a directory, sorted by name, and the size of the largest batch.
func readAll(t testing.TB, tree vfs.Tree, name string, kind vfs.EntryKind) (infos []fs.FileInfo, largest int, err error) {
	t.Helper()
	dir, err := vfs.OpenDir(tree, name, kind)
	if err != nil {
		return nil, 0, err
	}
	defer dir.Close()
	for {
		batch, err := dir.Next()
		if err != nil {
			if len(batch) > 0 {
				t.Errorf("%d entries together with %v", len(batch), err)
			}
			if _, again := dir.Next(); again != err { //nolint:errorlint // the same one
				t.Errorf("the call after %v: %v", err, again)
			}
			if err == io.EOF { //nolint:errorlint // the bare value
				err = nil
			}
			slices.SortFunc(infos, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
			return infos, largest, err
		}
		if len(batch) == 0 {
			t.Error("no entries and no error")
		}
		largest = max(largest, len(batch))
		infos = append(infos, batch...)
	}
}

func TestOpenDirHasTheEntriesOfReadDirAndEntries(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	check := func(t *testing.T, tree vfs.Tree) {
		for _, name := range []string{"/", "dir", "here/relative-dir", "plain", "missing", "plain/x", "to-dir", "../x"} {
			for kind, read := range map[vfs.EntryKind]func(string) ([]fs.FileInfo, error){vfs.Openable: tree.ReadDir, vfs.Everything: tree.Entries} {
				want, wantErr := read(name)
				got, _, err := readAll(t, tree, name, kind)
				if entries(got) != entries(want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
					t.Errorf("%s of kind %d: got %s, %v, want %s, %v", name, kind, entries(got), err, entries(want), wantErr)
				}
			}
		}
	}
	dir := filepath.Join(fixture(t), "root")
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) { check(t, opener(t, dir)) })
	t.Run("another file system", func(t *testing.T) {
		check(t, vfs.Of(afero.NewBasePathFs(afero.NewOsFs(), dir)))
	})
	t.Run("a tree of another package", func(t *testing.T) {
		check(t, struct{ vfs.Tree }{openTree(t, dir)})
	})
}

// numbered plants n empty files in the directory d of a file system in memory.
func numbered(t *testing.T, n int) (memory afero.Fs, want string) {
	t.Helper()
	memory = afero.NewMemMapFs()
	var names []string
	for i := range n {
		name := fmt.Sprintf("f%05d", i)
		names = append(names, name)
		if err := afero.WriteFile(memory, "/d/"+name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return memory, strings.Join(names, " ")
}

// dirFile is a directory whose Readdir is another.
type dirFile struct {
	afero.File
	readdir func(n int) ([]fs.FileInfo, error)
}

func (d dirFile) Readdir(n int) ([]fs.FileInfo, error) { return d.readdir(n) }

// Each entry comes once, in whatever way a file system reads a directory in parts.
func TestOpenDirReadsLargeDirectoriesInParts(t *testing.T) {
	t.Parallel()
	const n = 3*vfs.Batch + 10
	memory, want := numbered(t, n)
	for _, tt := range []struct {
		name    string
		readdir func(f afero.File, n int) ([]fs.FileInfo, error)
		largest int
	}{
		{"as the interface says", func(f afero.File, n int) ([]fs.FileInfo, error) { return f.Readdir(n) }, vfs.Batch},
		{"from the beginning each time", func(_ afero.File, n int) ([]fs.FileInfo, error) {
			f, err := memory.Open("/d")
			if err != nil {
				return nil, err
			}
			return f.Readdir(n)
		}, n},
		{"all at once", func(f afero.File, _ int) ([]fs.FileInfo, error) { return f.Readdir(-1) }, n},
		{"the last ones with io.EOF", func(f afero.File, n int) ([]fs.FileInfo, error) {
			infos, err := f.Readdir(n)
			if len(infos) < n && err == nil {
				err = io.EOF
			}
			return infos, err
		}, vfs.Batch},
		{"nothing and no error at the end", func(f afero.File, n int) ([]fs.FileInfo, error) {
			infos, err := f.Readdir(n)
			if err == io.EOF { //nolint:errorlint // the bare value
				err = nil
			}
			return infos, err
		}, vfs.Batch},
		{"sometimes nothing", func() func(f afero.File, n int) ([]fs.FileInfo, error) {
			calls := 0
			return func(f afero.File, n int) ([]fs.FileInfo, error) {
				if calls++; calls%2 == 1 {
					return nil, nil
				}
				return f.Readdir(n)
			}
		}(), vfs.Batch},
		{"an error because an entry is gone, and names", func() func(f afero.File, n int) ([]fs.FileInfo, error) {
			calls := 0
			return func(f afero.File, n int) ([]fs.FileInfo, error) {
				if calls++; calls == 3 {
					return nil, fs.ErrNotExist
				}
				return f.Readdir(n)
			}
		}(), vfs.Batch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree := vfs.Of(&odd{Fs: memory, open: func(name string) (afero.File, error) {
				f, err := memory.Open(name)
				if name != "/d" {
					return f, err
				}
				return dirFile{f, func(n int) ([]fs.FileInfo, error) { return tt.readdir(f, n) }}, err
			}})
			infos, largest, err := readAll(t, tree, "/d", vfs.Openable)
			if got := list(infos); got != want || err != nil {
				t.Errorf("got %d entries, %v, want %d", len(infos), err, n)
			}
			if largest > tt.largest {
				t.Errorf("got %d entries at once, want %d at most", largest, tt.largest)
			}
		})
	}
}

func TestOpenDirOfADirectoryOnTheDiskReadsItInParts(t *testing.T) {
	t.Parallel()
	const n = 2*vfs.Batch + 10
	host := nettest.TempDir(t)
	for i := range n {
		if err := os.WriteFile(filepath.Join(host, fmt.Sprint(i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		infos, largest, err := readAll(t, opener(t, host), "/", vfs.Everything)
		if len(infos) != n || largest > vfs.Batch || err != nil {
			t.Errorf("got %d entries, %d at once, %v, want %d, %d", len(infos), largest, err, n, vfs.Batch)
		}
		if n := len(slices.CompactFunc(infos, func(a, b fs.FileInfo) bool { return a.Name() == b.Name() })); n != len(infos) {
			t.Errorf("%d different ones, want %d", n, len(infos))
		}
	})
}

func TestAnErrorInTheMiddleOfADirectoryIsReturnedAfterItsFirstEntries(t *testing.T) {
	t.Parallel()
	memory, _ := numbered(t, 2*vfs.Batch)
	broken := errors.New("broken")
	calls := 0
	tree := vfs.Of(&odd{Fs: memory, open: func(name string) (afero.File, error) {
		f, err := memory.Open(name)
		if name != "/d" {
			return f, err
		}
		return noNames{dirFile{f, func(n int) ([]fs.FileInfo, error) {
			if calls++; calls == 2 {
				return nil, broken
			}
			return f.Readdir(n)
		}}}, err
	}})
	infos, _, err := readAll(t, tree, "/d", vfs.Openable)
	if len(infos) != vfs.Batch || !errors.Is(err, broken) {
		t.Errorf("got %d entries, %v, want %d, %v", len(infos), err, vfs.Batch, broken)
	}
}

// noNames is a directory that cannot list names.
type noNames struct{ dirFile }

func (noNames) Readdirnames(int) ([]string, error) { return nil, errors.New("no names") }

func TestAClosedDirHasNoMoreEntries(t *testing.T) {
	t.Parallel()
	memory, _ := numbered(t, 2*vfs.Batch)
	dir, err := vfs.OpenDir(vfs.Of(memory), "/d", vfs.Openable)
	if err != nil {
		t.Fatal(err)
	}
	dir.Close()
	dir.Close()
	if infos, err := dir.Next(); len(infos) != 0 || !errors.Is(err, fs.ErrClosed) {
		t.Errorf("got %d entries, %v, want %v", len(infos), err, fs.ErrClosed)
	}
}

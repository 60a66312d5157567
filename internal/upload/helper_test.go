package upload_test

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/partial"
	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// pattern returns n bytes of the pattern from off.
func pattern(off, n int64) string {
	p := make([]byte, n)
	nettest.PatternAt(p, off)
	return string(p)
}

var aDay = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// eachTree runs f on every kind of writable file system, with the given files.
func eachTree(t *testing.T, files map[string]string, f func(t *testing.T, tree vfs.Tree)) {
	t.Helper()
	t.Run("vfs.Root", func(t *testing.T) { f(t, rootOf(t, files)) })
	t.Run("BasePathFs over vfs.Root", func(t *testing.T) {
		f(t, vfs.Of(afero.NewBasePathFs(rootOf(t, files), "/")))
	})
	t.Run("an Atomic", func(t *testing.T) { f(t, vfs.Of(newStaged(t, files))) })
	t.Run("the main tree of a Joined, a vfs.Root", func(t *testing.T) { f(t, joined(t, rootOf(t, files), "/other/place", rootOf(t, nil))) })
	t.Run("the main tree of a Joined, an Atomic", func(t *testing.T) {
		f(t, joined(t, vfs.Of(newStaged(t, files)), "/other/place", rootOf(t, nil)))
	})
	t.Run("a place of a Joined", func(t *testing.T) {
		f(t, vfs.Of(afero.NewBasePathFs(joined(t, rootOf(t, nil), "/a/place", rootOf(t, files)), "/a/place")))
	})
	for _, kind := range nettest.FileSystems(t, files, aDay) {
		if kind.Writable {
			t.Run(kind.Name, func(t *testing.T) { f(t, vfs.Of(kind.FS)) })
		}
	}
}

// joined returns a tree with another one at the path name.
func joined(t *testing.T, main vfs.Tree, name string, place vfs.Tree) vfs.Tree {
	t.Helper()
	j, err := vfs.Join(main, map[string]vfs.Tree{name: place})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func rootOf(t *testing.T, files map[string]string) *vfs.Root {
	t.Helper()
	root, err := vfs.Open(nettest.TempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	put(t, root.Writable(), files)
	return root.Writable()
}

func put(t *testing.T, fsys afero.Fs, files map[string]string) {
	t.Helper()
	for name, content := range files {
		err := fsys.MkdirAll(path.Dir("/"+name), 0o755)
		if err == nil {
			err = afero.WriteFile(fsys, "/"+name, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// staged is a file system in which incomplete uploads are invisible, as in an object store.
type staged struct {
	afero.Fs
	stage afero.Fs
}

func newStaged(t *testing.T, files map[string]string) *staged {
	s := &staged{afero.NewMemMapFs(), afero.NewMemMapFs()}
	put(t, s.Fs, files)
	return s
}

func (s *staged) CreateUpload(temp, _ string, perm fs.FileMode) (afero.File, error) {
	f, err := s.stage.Create(temp)
	if err == nil {
		err = s.stage.Chmod(temp, perm)
	}
	return f, err
}

func (s *staged) SyncUpload(f afero.File) error { return f.Sync() }

func (s *staged) CommitUpload(temp, target string, _ int) error {
	content, err := afero.ReadFile(s.from(temp), temp)
	if err != nil {
		return err
	}
	if err := s.AbortUpload(temp); err != nil {
		return err
	}
	return afero.WriteFile(s.Fs, target, content, 0o644)
}

func (s *staged) AbortUpload(temp string) error { return s.from(temp).Remove(temp) }

// from returns the file system that has temp: a resumed upload is not in stage.
func (s *staged) from(temp string) afero.Fs {
	if _, err := s.stage.Stat(temp); err == nil {
		return s.stage
	}
	return s.Fs
}

// Rename also works for files in stage.
func (s *staged) Rename(oldname, newname string) error {
	if s.from(oldname) == s.Fs {
		return s.Fs.Rename(oldname, newname)
	}
	return s.CommitUpload(oldname, newname, 0)
}

// Stat and Chmod also work for files in stage.
func (s *staged) Stat(name string) (fs.FileInfo, error) { return s.from(name).Stat(name) }

func (s *staged) Chmod(name string, mode fs.FileMode) error { return s.from(name).Chmod(name, mode) }

// target returns the target /f of alice, who may replace it.
func target(tree vfs.Tree) upload.Target {
	return upload.Target{
		Writer: upload.Writer{Tree: tree, Existing: upload.Replace, Owner: "alice"},
		Name:   "/f", Perm: 0o644, Keep: true,
	}
}

// write writes data at the start of the upload, and returns the offset after it.
func write(t *testing.T, u *upload.Upload, data string) int64 {
	t.Helper()
	if n, err := u.Writer().WriteAt([]byte(data), u.Start()); n != len(data) || err != nil {
		t.Fatalf("wrote %d of %d bytes, %v", n, len(data), err)
	}
	return u.Start() + int64(len(data))
}

// content returns the content of a file, or "-" if it does not exist.
func content(t *testing.T, tree vfs.Tree, name string) string {
	t.Helper()
	b, err := afero.ReadFile(tree, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "-"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantHidden checks the number of hidden files in the root of a tree.
func wantHidden(t *testing.T, tree vfs.Tree, want int) {
	t.Helper()
	var names []string
	infos, err := tree.ReadDir("/")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		if partial.Is(info.Name()) {
			names = append(names, info.Name())
		}
	}
	if len(names) != want {
		t.Errorf("hidden files %s, want %d", strings.Join(names, " "), want)
	}
}

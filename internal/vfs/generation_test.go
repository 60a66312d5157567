package vfs_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// The methods of every kind of tree count changes, and do not count reading.
func TestEachChangeIsCounted(t *testing.T) {
	root, err := vfs.Open(nettest.TempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, kind := range []struct {
		name string
		tree vfs.Tree
	}{
		{"Root", root.Writable()},
		{"MemMapFs", vfs.Of(afero.NewMemMapFs())},
		{"BasePathFs over OsFs", vfs.Of(afero.NewBasePathFs(afero.NewOsFs(), nettest.TempDir(t)))},
	} {
		tree := kind.tree
		closed := func(f afero.File, err error) error {
			if err == nil {
				err = f.Close()
			}
			return err
		}
		for _, step := range []struct {
			name    string
			do      func() error
			changes bool
		}{
			{"Mkdir", func() error { return tree.Mkdir("/d", 0o755) }, true},
			{"MkdirAll", func() error { return tree.MkdirAll("/d/e/f", 0o755) }, true},
			{"Create", func() error { return closed(tree.Create("/a")) }, true},
			{"Stat", func() error { _, err := tree.Stat("/a"); return err }, false},
			{"Lstat", func() error { _, err := tree.Lstat("/a"); return err }, false},
			{"ReadDir", func() error { _, err := tree.ReadDir("/"); return err }, false},
			{"Open", func() error { return closed(tree.Open("/a")) }, false},
			{"OpenFile that creates", func() error { return closed(tree.OpenFile("/b", os.O_WRONLY|os.O_CREATE, 0o644)) }, true},
			{"OpenFile that truncates", func() error { return closed(tree.OpenFile("/b", os.O_WRONLY|os.O_TRUNC, 0)) }, true},
			{"Chmod", func() error { return tree.Chmod("/a", 0o600) }, true},
			{"Chown", func() error { return tree.Chown("/a", os.Getuid(), os.Getgid()) }, true},
			{"Chtimes", func() error { return tree.Chtimes("/a", time.Time{}, time.Unix(1, 0)) }, true},
			{"Rename", func() error { return tree.Rename("/a", "/c") }, true},
			{"Remove", func() error { return tree.Remove("/c") }, true},
			{"RemoveDir", func() error { return tree.RemoveDir("/d/e/f") }, true},
			{"RemoveAll", func() error { return tree.RemoveAll("/d") }, true},
		} {
			before := vfs.Generation()
			if err := step.do(); err != nil && runtime.GOOS != "windows" { // Windows has no Chown, and wine fails to remove
				t.Errorf("%s, %s: %v", kind.name, step.name, err)
			}
			if changed := vfs.Generation() != before; changed != step.changes {
				t.Errorf("%s, %s: counted %v, want %v", kind.name, step.name, changed, step.changes)
			}
		}
	}
}

func TestSymlinkIsCounted(t *testing.T) {
	root, err := vfs.Open(nettest.TempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	before := vfs.Generation()
	if err := root.Writable().Symlink("/a", "/b"); err != nil {
		t.Skip(err) // Windows needs a privilege
	}
	if vfs.Generation() == before {
		t.Error("the generation did not change")
	}
}

// Some file systems show written data only after Close.
func TestCloseAfterWritingThroughAnAdapterIsCounted(t *testing.T) {
	f, err := vfs.Of(afero.NewMemMapFs()).Create("/a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("content"); err != nil {
		t.Fatal(err)
	}
	before := vfs.Generation()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if vfs.Generation() == before {
		t.Error("the generation did not change")
	}
}

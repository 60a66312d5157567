package vfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

func TestAFileHasOnePlaceWhateverItsName(t *testing.T) {
	if nettest.OnWine() {
		t.Skip("wine makes no links")
	}
	dir := nettest.TempDir(t)
	if err := os.MkdirAll(filepath.Join(dir, "homes", "alice", "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"a": "homes/alice", "homes/alice/d": "docs"} {
		if err := os.Symlink(target, filepath.Join(dir, filepath.FromSlash(link))); err != nil {
			t.Skip(err) // Windows wants a privilege
		}
	}
	open := func(name string) *vfs.Root {
		root, err := vfs.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = root.Close() })
		return root
	}
	root := open(dir)
	home, err := root.Sub("/a")
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	want, ok := vfs.PlaceOf(root, "/homes/alice/docs/f")
	if !ok {
		t.Fatal("the file has no place")
	}
	for _, other := range []struct {
		name string
		tree vfs.Tree
		path string
	}{
		{"through links", root, "/a/d/f"},
		{"in a home that is a link", home, "/docs/f"},
		{"in a writable view", root.Writable(), "//homes/./alice/docs/f"},
		{"in another Root", open(filepath.Join(dir, "a")), "/d/f"},
	} {
		if got, ok := vfs.PlaceOf(other.tree, other.path); !ok || got != want {
			t.Errorf("%s: the place is %v, want %v", other.name, got, want)
		}
	}
	if link, _ := vfs.PlaceOf(root, "/a"); link == want.Parent().Parent() {
		t.Error("a link has the place of its target, but a rename replaces the link")
	}
	if top, _ := vfs.PlaceOf(root, "/"); !top.Contains(want) || want.Contains(top) {
		t.Error("the root does not contain the file")
	}
	if other := (vfs.Place{Path: want.Path + "2"}); want.Contains(other) {
		t.Error("a name that begins with another one is beneath it")
	}
}

func TestPlacesInOtherFileSystems(t *testing.T) {
	mem := afero.NewMemMapFs()
	tree := vfs.Of(mem)
	if err := tree.MkdirAll("/home/x", 0o755); err != nil {
		t.Fatal(err)
	}
	sub, done, err := vfs.Sub(tree, "/home")
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	a, ok1 := vfs.PlaceOf(tree, "/home/x/f")
	b, ok2 := vfs.PlaceOf(sub, "x/f")
	other, _ := vfs.PlaceOf(vfs.Of(afero.NewMemMapFs()), "/home/x/f")
	if !ok1 || !ok2 || a != b || a == other {
		t.Errorf("places: %v, %v and in another file system %v", a, b, other)
	}
}

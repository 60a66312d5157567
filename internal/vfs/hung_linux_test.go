package vfs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sluice/internal/mounts"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// hungTree returns a writable tree with the local file "local" and the mount "mnt", which has taken as many calls as it
// may and answers none of them. done lets it answer.
func hungTree(t *testing.T, call func(tree *vfs.Root, i int)) (tree *vfs.Root, done func()) {
	t.Helper()
	dir := nettest.TempDir(t)
	if err := os.WriteFile(filepath.Join(dir, "local"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("mnt", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	mount := nettest.MountFUSE(t, filepath.Join(dir, "mnt")) // after Open, so that it is not in the list yet
	t.Cleanup(func() { _ = root.Close() })
	tree = root.Writable()
	if _, err := tree.Stat("mnt/file"); err != nil {
		t.Fatal(err)
	}
	mount.HangAll()
	const more = 20 // calls that find no room
	returned := make(chan struct{}, mounts.Limit+more)
	for i := range cap(returned) {
		go func() { call(tree, i); returned <- struct{}{} }()
	}
	for range more {
		select {
		case <-returned:
		case <-time.After(20 * time.Second):
			t.Fatal("calls beyond the limit hang too")
		}
	}
	if s := vfs.MountOf(tree, "mnt").State(); s.Inside != mounts.Limit || !s.Hung {
		t.Errorf("the mount: %+v, want %d calls in it, and hung", s, mounts.Limit)
	}
	return tree, func() {
		t.Helper()
		mount.Answer()
		for range mounts.Limit {
			select {
			case <-returned:
			case <-time.After(20 * time.Second):
				t.Fatal("a call has not returned although the mount answers")
			}
		}
		if s := vfs.MountOf(tree, "mnt").State(); s.Inside != 0 || s.Hung {
			t.Errorf("at the end, the mount: %+v, want nothing in it", s)
		}
	}
}

func TestAHungMountTakesABoundedNumberOfCalls(t *testing.T) {
	for name, call := range map[string]func(tree *vfs.Root, i int){
		"open":               func(tree *vfs.Root, _ int) { closeIfOpen(tree.File("mnt/file", os.O_RDONLY, 0)) },
		"describe":           func(tree *vfs.Root, _ int) { _, _ = tree.Stat("mnt/file") },
		"list":               func(tree *vfs.Root, _ int) { _, _ = tree.ReadDir("mnt") },
		"open by a link":     func(tree *vfs.Root, _ int) { closeIfOpen(tree.File("link/file", os.O_RDONLY, 0)) },
		"describe by a link": func(tree *vfs.Root, _ int) { _, _ = tree.Stat("link/file") },
		"list by a link":     func(tree *vfs.Root, _ int) { _, _ = tree.ReadDir("link") },
		"rename":             func(tree *vfs.Root, _ int) { _ = tree.Rename("mnt/file", "mnt/file2") },
		"real name":          func(tree *vfs.Root, _ int) { _, _ = vfs.RealName(tree, "mnt/file") },
	} {
		t.Run(name, func(t *testing.T) {
			tree, done := hungTree(t, call)
			if _, err := tree.Stat("mnt/file"); !errors.Is(err, vfs.ErrNotResponding) {
				t.Errorf("a further call: %v, want %v", err, vfs.ErrNotResponding)
			}
			closeIfOpen(tree.File("local", os.O_RDONLY, 0))
			if infos, err := tree.ReadDir("/"); err != nil || len(infos) == 0 {
				t.Errorf("the directory next to the mount: %v, %v", infos, err)
			}
			if err := tree.Rename("local", "local2"); err != nil {
				t.Errorf("a rename next to the mount: %v", err)
			}
			if err := tree.Mkdir("dir", 0o755); err != nil {
				t.Error(err)
			}
			if err := tree.Rename("dir", "dir2"); err != nil {
				t.Errorf("a rename of a directory next to the mount: %v", err)
			}
			done()
			if _, err := tree.Stat("mnt/file"); err != nil {
				t.Errorf("after the mount answers: %v", err)
			}
		})
	}
}

func TestAListingShowsAMountPointThatHangs(t *testing.T) {
	tree, done := hungTree(t, func(tree *vfs.Root, _ int) { _, _ = tree.Stat("mnt/file") })
	defer done()
	infos, err := tree.ReadDir("/")
	if err != nil || !slices.ContainsFunc(infos, func(fi fs.FileInfo) bool { return fi.Name() == "mnt" && fi.IsDir() }) {
		t.Errorf("got %v, %v, want mnt among them", infos, err)
	}
}

func closeIfOpen(f *os.File, err error) {
	if err == nil {
		_ = f.Close()
	}
}

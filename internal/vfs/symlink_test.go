package vfs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

func TestSymlinkLeadsToItsTargetFromAnywhere(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		for _, tt := range []struct{ target, name, want string }{
			{"f", "l", "f"},
			{"/f", "/l", "f"},
			{"/d/e/g", "l", "d/e/g"},
			{"f", "d/e/l", "../../f"},
			{"d/e/g", "d/l", "e/g"},
			{"../../etc/passwd", "d/l", "../etc/passwd"}, // the one in the tree
			{"missing", "d/l", "../missing"},
			{"/", "d/l", ".."},
			{"d", "d/l", "."},
		} {
			dir := nettest.TempDir(t)
			plant(t, dir, map[string]string{"f": "", "d/e/g": ""})
			if err := opener(t, dir).Writable().Symlink(tt.target, tt.name); err != nil {
				t.Errorf("%s to %s: %v", tt.name, tt.target, err)
				continue
			}
			got, err := os.Readlink(filepath.Join(dir, tt.name))
			if filepath.ToSlash(got) != tt.want {
				t.Errorf("the text of %s to %s is %q, %v, want %q", tt.name, tt.target, got, err, tt.want)
			}
		}
	})
}

func TestSymlinkReplacesNothing(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	dir := nettest.TempDir(t)
	plant(t, dir, map[string]string{"f": "x", "d/": ""})
	tree := openTree(t, dir).Writable()
	for _, name := range []string{"f", "d", "/"} {
		if err := tree.Symlink("f", name); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Symlink(f, %s): got %v, want %v", name, err, fs.ErrExist)
		}
	}
}

func TestFreeReturnsTheSpaceOfTheFileSystem(t *testing.T) {
	t.Parallel()
	dir := nettest.TempDir(t)
	plant(t, dir, map[string]string{"d/": ""})
	tree := openTree(t, dir)
	free, err := tree.Free("d")
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil || free <= 0 { // the disk of the tests is not full
		t.Errorf("got %d, %v, want some bytes", free, err)
	}
	if _, err := tree.Free("missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a missing directory: got %v, want %v", err, fs.ErrNotExist)
	}
}

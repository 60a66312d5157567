package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

func TestSubIsATreeOfItsOwn(t *testing.T) {
	dir := nettest.TempDir(t)
	if err := os.MkdirAll(filepath.Join(dir, "home", "alice"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"secret", "home/secret", "home/alice/own"} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	sub, err := tree.Writable().Sub("/home/alice")
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	f, err := sub.File("/own", os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := io.ReadAll(f); string(b) != "home/alice/own" {
		t.Errorf("got %q, %v, want home/alice/own", b, err)
	}
	for _, name := range []string{"../secret", "/../../secret", "secret"} {
		if _, err := sub.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v, want %v", name, err, fs.ErrNotExist)
		}
	}
	if runtime.GOOS != "windows" { // links need a privilege there
		if err := os.Symlink("../secret", filepath.Join(dir, "home", "alice", "link")); err != nil {
			t.Fatal(err)
		}
		if _, err := sub.File("link", os.O_RDONLY, 0); !errors.Is(err, vfs.ErrOutside) {
			t.Errorf("a link out of it: got %v, want %v", err, vfs.ErrOutside)
		}
	}
	if err := sub.Mkdir("new", 0o755); err != nil {
		t.Errorf("a change: %v", err)
	}
	readOnly, err := tree.Sub("home")
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	if err := readOnly.Mkdir("new", 0o755); !errors.Is(err, vfs.ErrReadOnly) {
		t.Errorf("a change through a read-only view: got %v, want %v", err, vfs.ErrReadOnly)
	}
	_ = tree.Close()
	if _, err := sub.Stat("own"); err != nil {
		t.Errorf("after Close of the tree above: %v", err)
	}
}

func TestSubRefuses(t *testing.T) {
	dir := nettest.TempDir(t)
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tree, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	for name, want := range map[string]error{"none": fs.ErrNotExist, "file": nil, "a\x00b": fs.ErrInvalid} {
		if _, err := tree.Sub(name); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%q: got %v, want an error that is %v", name, err, want)
		}
	}
}

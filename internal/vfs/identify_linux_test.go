package vfs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"sluice/internal/fileid"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

func TestIdentifyReturnsTheIDOfTheOpenFile(t *testing.T) {
	dir := nettest.TempDir(t)
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "d", "f"), []byte("x"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("d/f", filepath.Join(dir, "l")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/", "/d", "/d/", "/d/f", "/l", "d//./f"} {
		f, err := root.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := fileid.Of(f)
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
		got, err := vfs.Identify(root, name)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip("no openat2 here")
		}
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
	}
	for name, want := range map[string]error{"/none": fs.ErrNotExist, "/d/f/x": nil, "/\x00": fs.ErrInvalid} {
		if _, err := vfs.Identify(root, name); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", name, err, want)
		}
	}
	_ = root.Close()
	if _, err := vfs.Identify(root, "/d/f"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: %v, want %v", err, fs.ErrClosed)
	}
}

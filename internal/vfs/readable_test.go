package vfs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// refusing is a file system that refuses to open the file name.
type refusing struct {
	afero.Fs
	name string
}

func (r refusing) Open(name string) (afero.File, error) {
	if name == r.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return r.Fs.Open(name)
}

func TestReadableAgreesWithOpen(t *testing.T) {
	dir := nettest.TempDir(t)
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "d/b", "closed"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	tests := map[string]error{
		"/a": nil, "d/b": nil, "/d": nil, "/": nil, "/none": fs.ErrNotExist, "/d/none": fs.ErrNotExist, "/\x00": fs.ErrInvalid,
	}
	for kind, tree := range map[string]vfs.Tree{
		"Root": root, "an adapter": vfs.Of(refusing{afero.NewBasePathFs(afero.NewOsFs(), dir), "/closed"}),
	} {
		for name, want := range tests {
			if err := tree.Readable(name); !errors.Is(err, want) {
				t.Errorf("%s, %q: %v, want %v", kind, name, err, want)
			}
			f, err := tree.Open(name)
			if !errors.Is(err, want) {
				t.Errorf("%s, %q: Open: %v, want %v", kind, name, err, want)
			}
			if err == nil {
				_ = f.Close()
			}
		}
		if kind == "an adapter" {
			if err := tree.Readable("/closed"); !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%s that refuses: %v, want %v", kind, err, fs.ErrPermission)
			}
		}
	}
}

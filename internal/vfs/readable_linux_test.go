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

func TestReadableChecksThePermissionsOfTheEffectiveUser(t *testing.T) {
	dir := nettest.TempDir(t)
	for _, name := range []string{"open", "closed"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{".": 0o755, "closed": 0} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	nettest.AsNobody(t)
	if err := root.Readable("/open"); err != nil {
		t.Error(err)
	}
	if err := root.Readable("/closed"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v, want %v", err, fs.ErrPermission)
	}
}

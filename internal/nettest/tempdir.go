package nettest

import (
	"os"
	"path/filepath"
	"testing"
)

// TempDir is t.TempDir for tests that run under wine too. t.TempDir cleans up with
// os.RemoveAll, which fails in wine 8 with "Invalid function". If it fails, TempDir
// removes the entries one by one.
func TempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nettest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		t.Helper()
		if os.RemoveAll(dir) == nil {
			return
		}
		if err := removeEach(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// removeEach removes the directory name and all its entries.
func removeEach(name string) error {
	entries, err := os.ReadDir(name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		inside := filepath.Join(name, e.Name())
		if e.IsDir() {
			err = removeEach(inside)
		} else {
			err = os.Remove(inside)
		}
		if err != nil {
			return err
		}
	}
	return os.Remove(name)
}

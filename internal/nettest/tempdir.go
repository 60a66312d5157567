package nettest

import (
	"os"
	"path/filepath"
	"testing"
)

// TempDir is t.TempDir for tests that run under wine too: wine 8 answers
// os.RemoveAll, by which t.TempDir cleans up, with "Invalid function". Here
// the end of the test removes one entry after the other if that is so.
func TempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nettest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		t.Helper()
		if os.RemoveAll(dir) == nil { // however deep it is
			return
		}
		if err := removeEach(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// removeEach removes name and, if it is a directory, all that is in it.
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

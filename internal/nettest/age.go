package nettest

import (
	"os"
	"testing"
	"time"
)

// Age makes a file an hour older than it is, so that its entity tag is strong, and the head of responses is kept with it.
func Age(t testing.TB, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	old := info.ModTime().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

package nettest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Golden returns what the file of that name in testdata says got should be. If
// the variable UPDATE is set, got is written there first. Line ends are LF, which
// git on Windows may have made others of.
func Golden(t testing.TB, name, got string) (want string) {
	t.Helper()
	name = filepath.Join("testdata", filepath.FromSlash(name))
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
}

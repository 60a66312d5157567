package nettest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Golden returns the content of the file testdata/NAME, which got should equal. If
// UPDATE is set in the environment, it writes got to the file first. It turns CRLF,
// which git may have made on Windows, into LF.
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

package nettest_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"sluice/internal/nettest"
)

func TestTempDirIsRemovedWithItsFiles(t *testing.T) {
	var dir string
	t.Run("owner", func(t *testing.T) {
		dir = nettest.TempDir(t)
		sub := filepath.Join(dir, "a", "b")
		if err := os.MkdirAll(sub, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{filepath.Join(dir, "f"), filepath.Join(sub, "g")} {
			if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	})
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat of the directory after its test: %v, want it gone", err)
	}
}

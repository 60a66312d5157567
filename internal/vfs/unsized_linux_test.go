package vfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"sluice/internal/vfs"
)

func TestIsUnsizedFindsContentThatHasNoSize(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"empty": "", "byte": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		want bool
	}{
		{"/proc/version", true},
		{"/proc/self/maps", true},
		{filepath.Join(dir, "empty"), false},
		{filepath.Join(dir, "byte"), false},
	} {
		f, err := os.Open(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if got := vfs.IsUnsized(f, info.Size()); got != tt.want {
			t.Errorf("IsUnsized(%s) = %v, want %v", tt.name, got, tt.want)
		}
	}
}

package sandbox

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

func TestHelperRefusesFIFO(t *testing.T) {
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := startFiles(t, NamedFiles{Read: []string{name}}).Open(name); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("got %v, want EINVAL", err)
	}
}

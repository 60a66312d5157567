package digest_test

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sluice/internal/digest"
	"sluice/internal/nettest"
)

// upperFile is a file derived from one on the disk. It has the FileInfo of the
// original and another content.
type upperFile struct{ *os.File }

func (s upperFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.File.ReadAt(p, off)
	copy(p, bytes.ToUpper(p[:n]))
	return n, err
}

// Two files with the same FileInfo may have different checksums.
func TestDerivedFileHasItsOwnChecksum(t *testing.T) {
	t.Parallel()
	name := filepath.Join(nettest.TempDir(t), "f")
	if err := os.WriteFile(name, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var c digest.Cache
	c.SetNow(func() time.Time { return time.Now().Add(time.Hour) }) // so that sums are cached
	for range 2 {
		for content, f := range map[string]digest.File{"content": f, "CONTENT": upperFile{f}} {
			got, err := c.Sum(t.Context(), nobody, f, digest.SHA256)
			if want := sha256.Sum256([]byte(content)); err != nil || !bytes.Equal(got, want[:]) {
				t.Errorf("of %q: got %x, %v, want %x", content, got, err, want)
			}
		}
	}
}

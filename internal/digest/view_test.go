package digest_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sluice/internal/budget"
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

// refusing admits a number of calls.
type refusing struct{ left, inside int }

var errRefused = errors.New("refused")

func (d *refusing) Enter() error {
	if d.left == 0 {
		return errRefused
	}
	d.left--
	d.inside++
	return nil
}

func (d *refusing) Leave() { d.inside-- }

func TestEachCallOfAFileIsAdmitted(t *testing.T) {
	f := nettest.PatternFile(t, 3*digest.Block)
	for admitted := range 20 {
		disk := &refusing{left: admitted}
		var cache digest.Cache
		sum, err := cache.Sum(t.Context(), budget.Party{}, digest.On(f, disk), digest.SHA256)
		if disk.inside != 0 {
			t.Errorf("%d calls have not left the disk", disk.inside)
		}
		want := nettest.PatternSum(0, 3*digest.Block)
		switch {
		case err == nil && string(sum) == string(want[:]):
			if admitted < 5 {
				t.Errorf("%d admissions were enough, want one for each of three reads and two looks at the file", admitted)
			}
			return
		case !errors.Is(err, errRefused):
			t.Fatalf("with %d admissions: got %x, %v", admitted, sum, err)
		}
	}
	t.Error("20 admissions were not enough")
}

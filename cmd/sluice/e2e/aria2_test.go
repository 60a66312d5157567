//go:build e2e

package e2e

import (
	"path/filepath"
	"testing"
)

func TestAria2DownloadsInManyPieces(t *testing.T) {
	const size = 64 << 20
	s := start(t)
	s.file("f", size)
	for scheme, pieces := range map[string]string{"http": "8", "ftp": "4"} {
		t.Run(scheme, func(t *testing.T) {
			dir := t.TempDir()
			run(t, dir, "aria2c", "--no-conf", "-q", "--file-allocation=none", "-k1M",
				"-x"+pieces, "-s"+pieces, s.urlOf(scheme, "f"))
			wantPattern(t, filepath.Join(dir, "f"), 0, size)
			s.wantLoggedTimes(2, "msg="+scheme)
		})
	}
}

// With one connection aria2 hangs if it reads replies 150 and 226 by one read (F10).
func TestAria2DownloadsASmallFileInOnePiece(t *testing.T) {
	s := start(t)
	s.file("small", 1000)
	for range 20 {
		dir := t.TempDir()
		run(t, dir, "aria2c", "--no-conf", "-q", "--file-allocation=none", "-x1", "--timeout=5", "--max-tries=1", s.urlOf("ftp", "small"))
		wantPattern(t, filepath.Join(dir, "small"), 0, 1000)
	}
}

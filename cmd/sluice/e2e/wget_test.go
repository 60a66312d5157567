//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
)

func TestWgetContinuesAFile(t *testing.T) {
	const size, part = 4 << 20, 1_234_567
	s := start(t)
	s.file("f", size)
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			got := filepath.Join(t.TempDir(), "f")
			writePattern(t, got, part)
			run(t, filepath.Dir(got), "wget", "-nv", "-t", "1", "-c", s.urlOf(scheme, "f"))
			wantPattern(t, got, 0, size)
			s.wantLogged("msg="+scheme, fmt.Sprintf("bytes=%d", size-part), "method=sendfile")
		})
	}
}

// The links in listings must work for every file name.
func TestWgetMirrorsATree(t *testing.T) {
	s := start(t)
	for i, name := range []string{
		"plain.txt", "with some spaces.txt", "Grüße, 東京 🌊.txt", "100% #1 & more;+=.txt", `<b>"quoted"'s.txt`,
		"colon:first", "a/b/c/deep.txt", "a/b/wide.txt", "sp ace/ä/x?y.txt", "empty.bin",
	} {
		s.file(name, int64(i*1000))
	}
	s.file("empty.bin", 0)
	dir := t.TempDir()
	run(t, dir, "wget", "-nv", "-t", "1", "-r", "-l", "inf", "-np", "-nH", "-e", "robots=off",
		"--restrict-file-names=nocontrol", "-R", "index.html*", s.http.String())
	wantSameTree(t, dir, s.dir)
}

//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// startWithTree serves a tree of files with unusual names, over HTTP and HTTPS.
func startWithTree(t *testing.T, flags ...string) *server {
	t.Helper()
	s := startSecure(t, append([]string{"--tls-self-signed"}, flags...)...)
	for name, size := range map[string]int64{
		"dir/plain.txt": 1000, "dir/empty": 0, "dir/large": 9 << 20, "dir/a/b/c/deep": 70_000,
		"dir/with spaces & <signs>": 10, "dir/Grüße, 東京 🌊": 20,
	} {
		s.file(name, size)
	}
	if err := os.MkdirAll(s.path("dir/nothing in it"), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestADirectoryAsZip(t *testing.T) {
	s := startWithTree(t)
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			dir := t.TempDir()
			curl(t, dir, "-k", "-o", "dir.zip", s.urlOf(scheme, "dir/")+"?zip")
			run(t, dir, "unzip", "-tq", "dir.zip")
			run(t, dir, "python3", "-m", "zipfile", "-t", "dir.zip")
			run(t, dir, "unzip", "-q", "dir.zip", "-d", "out")
			wantSameTree(t, unpacked(t, dir), s.path("dir"))
		})
	}
}

func TestADirectoryAsTar(t *testing.T) {
	s := startWithTree(t)
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			dir := t.TempDir()
			curl(t, dir, "-k", "-o", "dir.tar", s.urlOf(scheme, "dir/")+"?tar")
			if err := os.Mkdir(filepath.Join(dir, "out"), 0o755); err != nil {
				t.Fatal(err)
			}
			run(t, dir, "tar", "-xf", "dir.tar", "-C", "out")
			wantSameTree(t, unpacked(t, dir), s.path("dir"))
		})
	}
}

// unpacked returns the directory below dir/out with the content of an archive, which
// may have it in one top-level directory.
func unpacked(t *testing.T, dir string) string {
	t.Helper()
	out := filepath.Join(dir, "out")
	if _, err := os.Stat(filepath.Join(out, "dir")); err == nil {
		return filepath.Join(out, "dir")
	}
	return out
}

func TestCurlResumesAnArchive(t *testing.T) {
	s := startWithTree(t)
	for _, kind := range []string{"zip", "tar"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			url := s.urlOf("http", "dir/") + "?" + kind
			curl(t, dir, "-o", "whole", url)
			whole, err := os.ReadFile(filepath.Join(dir, "whole"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "got"), whole[:len(whole)/3], 0o600); err != nil {
				t.Fatal(err)
			}
			curl(t, dir, "-C", "-", "-o", "got", url)
			run(t, dir, "cmp", "whole", "got")
		})
	}
}

func TestAria2DownloadsAnArchiveInManyPieces(t *testing.T) {
	s := startWithTree(t)
	dir := t.TempDir()
	run(t, dir, "aria2c", "--no-conf", "-q", "--file-allocation=none", "-k1M", "-x8", "-s8", "-o", "dir.zip", s.urlOf("http", "dir/")+"?zip")
	run(t, dir, "unzip", "-q", "dir.zip", "-d", "out")
	wantSameTree(t, unpacked(t, dir), s.path("dir"))
}

func TestArchivesCanBeSwitchedOff(t *testing.T) {
	const refused = 22 // curl(1), EXIT CODES: a status of 400 and above
	s := startWithTree(t, "--archives=false", "--no-listing")
	if output, status := try(t, t.TempDir(), "curl", "-sS", "--fail", "-o", "got", s.urlOf("http", "dir/")+"?zip"); status != refused {
		t.Errorf("curl ended with %d, want %d: %s", status, refused, output)
	}
}

package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sluice/internal/archive"
	"sluice/internal/nettest"
)

// readZip reads a zip archive from its directory, and checks each checksum.
func readZip(t testing.TB, data []byte) (items []item) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		t.Fatal(err)
	}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		items = append(items, item{f.Name, f.Mode(), f.Modified.UTC(), sum(t, rc)})
		_ = rc.Close()
	}
	return items
}

// readTar reads a tar archive from its beginning.
func readTar(t testing.TB, data []byte) (items []item) {
	t.Helper()
	r := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return items
		}
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item{h.Name, h.FileInfo().Mode(), h.ModTime.UTC(), sum(t, r)})
	}
}

func sum(t testing.TB, r io.Reader) [sha256.Size]byte {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// The archives can be read by the common programs.
func TestOtherProgramsReadTheArchives(t *testing.T) {
	t.Parallel()
	entries := []archive.Entry{
		folder("docs"), newFile(t, "docs/empty", ""), newFile(t, "docs/größe.txt", "hello\n"), newFile(t, "docs/a.txt", "hello\n"),
		newFile(t, "docs/"+string(bytes.Repeat([]byte("long"), 60)), "long"), newFile(t, "last", "PK\x07\x08"),
	}
	dir := nettest.TempDir(t)
	for _, l := range layouts {
		if err := os.WriteFile(filepath.Join(dir, l.name), assemble(t, lay(t, l, entries)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range [][]string{
		{"unzip", "-tqq", "zip"},
		{"python3", "-m", "zipfile", "-t", "zip"},
		{"7z", "t", "zip"},
		{"bsdtar", "-tvf", "zip"},
		{"tar", "-tvf", "tar"},
		{"python3", "-m", "tarfile", "-t", "tar"},
		{"bsdtar", "-tvf", "tar"},
	} {
		t.Run(command[0]+" "+command[len(command)-1], func(t *testing.T) {
			if command[0] == "unzip" {
				nettest.NeedsProgram(t, "unzip", "unzip")
			} else if _, err := exec.LookPath(command[0]); err != nil { // .ci/run does not install them
				t.Skip(err)
			}
			cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

package archive_test

import (
	"archive/tar"
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"sluice/internal/archive"
	"sluice/internal/nettest"
)

// sparse makes a sparse file of the given size, and returns its entry, with an arbitrary checksum.
func sparse(t *testing.T, name string, size int64) archive.Entry {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("a file without content takes as much room as any here")
	}
	path := filepath.Join(nettest.TempDir(t), "sparse")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Skip("no large files here:", err)
	}
	entry := entryOf(t, name, path)
	entry.CRC = func(context.Context) (uint32, error) { return 0x12345678, nil }
	return entry
}

// whole is an archive of which each part is made when it is read.
type whole []archive.Part

// size returns the length of the archive.
func size(parts []archive.Part) (n int64) {
	for _, part := range parts {
		n += part.Size
	}
	return n
}

func (w whole) ReadAt(p []byte, off int64) (n int, err error) {
	for _, part := range w {
		if n == len(p) {
			return n, nil
		}
		if off >= part.Size {
			off -= part.Size
			continue
		}
		want := p[n:min(int64(len(p)), int64(n)+part.Size-off)]
		if part.Open != nil {
			f, err := part.Open()
			if err != nil {
				return n, err
			}
			_, err = f.ReadAt(want, off)
			_ = f.Close()
			if err != nil {
				return n, err
			}
		} else {
			made, err := part.Bytes(context.Background())
			if err != nil {
				return n, err
			}
			copy(want, made[off:])
		}
		n += len(want)
		off = 0
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func TestTarOfAFileBeyond8GiB(t *testing.T) {
	t.Parallel()
	const large = 8<<30 + 1
	parts := lay(t, layouts[1], []archive.Entry{sparse(t, "large", large), newFile(t, "last", "content")})
	r := tar.NewReader(io.NewSectionReader(whole(parts), 0, size(parts)))
	h, err := r.Next()
	if err != nil || h.Name != "large" || h.Size != large {
		t.Fatalf("got %v, %v, want the large file", h, err)
	}
	if h, err = r.Next(); err != nil || h.Name != "last" {
		t.Fatalf("got %v, %v, want the last file", h, err)
	}
	if got, want := sum(t, r), file("", 0, "content").sum; got != want {
		t.Errorf("got %.4x, want %.4x", got, want)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("got %v, want the end", err)
	}
}

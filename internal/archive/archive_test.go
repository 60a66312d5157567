package archive_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"sluice/internal/archive"
	"sluice/internal/nettest"
)

// then is a time that every format can express.
var then = time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)

// newFile makes a file with the given content in a directory of its own and returns its entry.
func newFile(t testing.TB, name, content string) archive.Entry {
	t.Helper()
	path := filepath.Join(nettest.TempDir(t), "file")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return entryOf(t, name, path)
}

// entryOf returns the entry of the file at path.
func entryOf(t testing.TB, name, path string) archive.Entry {
	t.Helper()
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return archive.Entry{
		Name: name, Size: fi.Size(), Modified: fi.ModTime(), Mode: 0o644,
		Open: func() (archive.File, error) { return os.Open(path) },
		CRC: func(ctx context.Context) (uint32, error) {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			content, err := os.ReadFile(path)
			return crc32.ChecksumIEEE(content), err
		},
	}
}

func folder(name string) archive.Entry {
	return archive.Entry{Name: name, Dir: true, Mode: 0o755, Modified: then}
}

// A layout is one of the two formats.
type layout struct {
	name string
	lay  func([]archive.Entry) ([]archive.Part, error)
	read func(t testing.TB, data []byte) []item // by the standard library
}

var layouts = []layout{{"zip", archive.Zip, readZip}, {"tar", archive.Tar, readTar}}

// An item is an entry as a reader finds it.
type item struct {
	name string
	mode fs.FileMode
	time time.Time
	sum  [sha256.Size]byte
}

func (i item) String() string { return fmt.Sprintf("%q %v %v %.4x", i.name, i.mode, i.time, i.sum) }

func file(name string, mode fs.FileMode, content string) item {
	return item{name, mode, then, sha256.Sum256([]byte(content))}
}

func compare(t *testing.T, got, want []item) {
	t.Helper()
	same := func(a, b item) bool {
		return a.name == b.name && a.mode == b.mode && a.time.Equal(b.time) && a.sum == b.sum
	}
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// lay lays out an archive. It fails the test on an error.
func lay(t testing.TB, l layout, entries []archive.Entry) []archive.Part {
	t.Helper()
	parts, err := l.lay(entries)
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

// content returns the bytes of a part. Their number must be Size.
func content(part archive.Part) (b []byte, err error) {
	if part.Open == nil {
		b, err = part.Bytes(context.Background())
	} else {
		var f archive.File
		if f, err = part.Open(); err != nil {
			return nil, err
		}
		defer f.Close()
		b, err = io.ReadAll(io.NewSectionReader(f, 0, math.MaxInt64))
	}
	if err == nil && int64(len(b)) != part.Size {
		return nil, fmt.Errorf("got %d bytes, want %d", len(b), part.Size)
	}
	return b, err
}

// assemble returns the bytes of an archive.
func assemble(t testing.TB, parts []archive.Part) []byte {
	t.Helper()
	var whole bytes.Buffer
	for i, part := range parts {
		b, err := content(part)
		if err != nil {
			t.Fatalf("part %d: %v", i, err)
		}
		whole.Write(b)
	}
	return whole.Bytes()
}

func TestArchivesAreReadBack(t *testing.T) {
	t.Parallel()
	long := string(bytes.Repeat([]byte("long/"), 60)) + "name"
	for _, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			private := newFile(t, "docs/private", "secret")
			private.Mode = 0o600 | fs.ModeSetuid
			entries := []archive.Entry{
				folder("docs"), private, newFile(t, "docs/empty", ""), folder("docs/dir"),
				newFile(t, "docs/größe 大.txt", "x"), newFile(t, "latin-\xe9", "y"), newFile(t, long, "z"),
				newFile(t, "block", string(make([]byte, 1024))),
				{Name: "made", Content: []byte("made here"), Mode: 0o644, Modified: then}, newFile(t, "last", "last"),
			}
			got := l.read(t, assemble(t, lay(t, l, entries)))
			compare(t, got, []item{
				file("docs/", fs.ModeDir|0o755, ""),
				file("docs/private", 0o600, "secret"),
				file("docs/empty", 0o644, ""),
				file("docs/dir/", fs.ModeDir|0o755, ""),
				file("docs/größe 大.txt", 0o644, "x"),
				file("latin-\xe9", 0o644, "y"),
				file(long, 0o644, "z"),
				file("block", 0o644, string(make([]byte, 1024))),
				file("made", 0o644, "made here"),
				file("last", 0o644, "last"),
			})
		})
	}
}

func TestArchiveOfNothing(t *testing.T) {
	t.Parallel()
	for _, l := range layouts {
		if got := l.read(t, assemble(t, lay(t, l, nil))); len(got) != 0 {
			t.Errorf("%s: got %v, want nothing", l.name, got)
		}
	}
}

// The heads of many entries without content must not become one large part.
func TestMadePartsAreSmall(t *testing.T) {
	t.Parallel()
	var entries []archive.Entry
	for i := range 5000 {
		entries = append(entries, folder(fmt.Sprint(i)))
	}
	for _, l := range layouts {
		parts := lay(t, l, entries)
		for _, part := range parts {
			if part.Size > 70<<10 {
				t.Errorf("%s: got a part of %d bytes, want 70 KiB at most", l.name, part.Size)
			}
		}
		if got := l.read(t, assemble(t, parts)); len(got) != len(entries) {
			t.Errorf("%s: got %d entries, want %d", l.name, len(got), len(entries))
		}
	}
}

func TestChangedFileIsAnError(t *testing.T) {
	t.Parallel()
	changes := []struct {
		name   string
		change func(path string) error
		want   error
	}{
		{"it shrinks", func(path string) error { return os.Truncate(path, 3) }, archive.ErrChanged},
		{"it grows", func(path string) error { return os.Truncate(path, 30) }, archive.ErrChanged},
		{"it is written again", func(path string) error { return os.WriteFile(path, []byte("CONTENT"), 0o644) }, archive.ErrChanged},
		{"it becomes a directory", func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o755)
		}, archive.ErrChanged},
		{"it is removed", os.Remove, fs.ErrNotExist},
	}
	for _, tt := range changes {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, l := range layouts {
				path := filepath.Join(nettest.TempDir(t), "file")
				if err := os.WriteFile(path, []byte("content"), 0o644); err != nil {
					t.Fatal(err)
				}
				entry := entryOf(t, "file", path)
				entry.CRC = func(context.Context) (uint32, error) { return 1, nil } // without reading the file
				parts := lay(t, l, []archive.Entry{entry})
				if err := tt.change(path); err != nil {
					t.Fatal(err)
				}
				if _, err := content(parts[0]); err != nil {
					t.Errorf("%s: header: got %v, want no error", l.name, err)
				}
				if _, err := content(parts[1]); !errors.Is(err, tt.want) {
					t.Errorf("%s: content: got %v, want %v", l.name, err, tt.want)
				}
				if l.name == "tar" {
					continue // the last parts are zeros
				}
				for _, part := range parts[2:4] { // its descriptor and the directory
					if _, err := content(part); !errors.Is(err, tt.want) {
						t.Errorf("%s: checksum: got %v, want %v", l.name, err, tt.want)
					}
				}
			}
		})
	}
}

func TestFailingEntryIsAnError(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	entry := newFile(t, "file", "content")
	entry.CRC = func(context.Context) (uint32, error) { return 0, failed }
	entry.Open = func() (archive.File, error) { return nil, failed }
	for _, l := range layouts {
		parts := lay(t, l, []archive.Entry{entry})
		if _, err := content(parts[1]); !errors.Is(err, failed) {
			t.Errorf("%s: open: got %v, want %v", l.name, err, failed)
		}
		if _, err := content(parts[2]); l.name == "zip" && !errors.Is(err, failed) {
			t.Errorf("%s: checksum: got %v, want %v", l.name, err, failed)
		}
	}
}

func TestPartsAreForManyGoroutines(t *testing.T) {
	t.Parallel()
	entries := []archive.Entry{folder("a"), newFile(t, "a/b", "content"), newFile(t, "c", "more")}
	for _, l := range layouts {
		parts := lay(t, l, entries)
		want := sha256.Sum256(assemble(t, parts))
		parts = lay(t, l, entries)
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				h := sha256.New()
				for _, part := range parts {
					b, err := content(part)
					if err != nil {
						t.Error(err)
					}
					h.Write(b)
				}
				if got := [sha256.Size]byte(h.Sum(nil)); got != want {
					t.Errorf("%s: got %.4x, want %.4x", l.name, got, want)
				}
			})
		}
		readers.Wait()
	}
}

package digest_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sluice/internal/budget"
	"sluice/internal/digest"
	"sluice/internal/nettest"
)

// nobody is the party of calls where that does not matter.
var nobody budget.Party

// later is a clock by which all files of the tests are settled.
func later() time.Time { return time.Now().Add(time.Hour) }

// plant makes a file with the given content and opens it.
func plant(t testing.TB, content string) *os.File {
	t.Helper()
	path := filepath.Join(nettest.TempDir(t), "file")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

func open(t testing.TB, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// counted returns a cache, and a function that returns how many bytes the cache has read since the last call.
func counted(t testing.TB) (*digest.Cache, func() int) {
	t.Helper()
	cache, bytes := new(digest.Cache), 0
	cache.SetNow(later)
	cache.SetReadAt(func(f digest.File, p []byte, off int64) (int, error) {
		n, err := f.ReadAt(p, off)
		bytes += n
		return n, err
	})
	return cache, func() int {
		n := bytes
		bytes = 0
		return n
	}
}

// needsIDs skips a test on systems where checksums are not cached.
func needsIDs(t *testing.T) {
	t.Helper()
	switch runtime.GOOS {
	case "plan9", "js", "wasip1":
		t.Skip("files have no complete ID here")
	}
}

func check(t *testing.T, cache *digest.Cache, f *os.File, want string) {
	t.Helper()
	got, err := cache.Sum(t.Context(), nobody, f, digest.SHA256)
	if sum := sha256.Sum256([]byte(want)); string(got) != string(sum[:]) || err != nil {
		t.Errorf("got %x, %v, want %x", got, err, sum)
	}
}

func TestSumsOfTheStandards(t *testing.T) {
	t.Parallel()
	tests := []struct {
		algorithm digest.Algorithm
		content   string
		want      string
	}{
		{digest.CRC32, "", "00000000"},
		{digest.CRC32, "123456789", "cbf43926"},
		{digest.MD5, "", "d41d8cd98f00b204e9800998ecf8427e"},
		{digest.MD5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
		{digest.SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{digest.SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{digest.SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{
			digest.SHA512, "abc", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
				"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
		},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s of %q", tt.algorithm, tt.content), func(t *testing.T) {
			t.Parallel()
			got, err := new(digest.Cache).Sum(t.Context(), nobody, plant(t, tt.content), tt.algorithm)
			if fmt.Sprintf("%x", got) != tt.want || err != nil {
				t.Errorf("got %x, %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestSumOfManyBlocks(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{digest.Block - 1, digest.Block, digest.Block + 1, 3*digest.Block + 100} {
		got, err := new(digest.Cache).Sum(t.Context(), nobody, nettest.PatternFile(t, size), digest.SHA256)
		if want := nettest.PatternSum(0, size); string(got) != string(want[:]) || err != nil {
			t.Errorf("%d bytes: got %x, %v, want %x", size, got, err, want)
		}
	}
}

func TestSumKeepsTheFilePosition(t *testing.T) {
	t.Parallel()
	f := plant(t, "content")
	if _, err := f.Seek(3, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	check(t, new(digest.Cache), f, "content")
	if got, err := f.Seek(0, io.SeekCurrent); got != 3 || err != nil {
		t.Errorf("position: got %v, %v, want 3", got, err)
	}
}

func TestSumIsCached(t *testing.T) {
	t.Parallel()
	needsIDs(t)
	cache, read := counted(t)
	f := plant(t, "content")
	check(t, cache, f, "content")
	if got := read(); got != 7 {
		t.Errorf("at first: got %d bytes read, want 7", got)
	}
	check(t, cache, f, "content")
	check(t, cache, open(t, f.Name()), "content")
	if got := read(); got != 0 {
		t.Errorf("again: got %d bytes read, want 0", got)
	}
	if _, err := cache.Sum(t.Context(), nobody, f, digest.MD5); read() != 7 || err != nil {
		t.Errorf("another algorithm: got no read, or %v", err)
	}
	check(t, cache, plant(t, "content"), "content")
	if got := read(); got != 7 {
		t.Errorf("another file: got %d bytes read, want 7", got)
	}
}

func TestCallerOwnsTheSum(t *testing.T) {
	t.Parallel()
	cache, _ := counted(t)
	f := plant(t, "content")
	for range 3 {
		check(t, cache, f, "content")
		sum, err := cache.Sum(t.Context(), nobody, f, digest.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		clear(sum)
	}
}

// tick waits until the file system gives changes a later time than last.
func tick(t *testing.T, last time.Time) {
	t.Helper()
	await(t, "a tick of the clock", func() bool {
		fi, err := plant(t, "").Stat()
		return err != nil || fi.ModTime().After(last)
	})
}

func TestChangedFileHasAnotherSum(t *testing.T) {
	t.Parallel()
	cache, _ := counted(t)
	path := plant(t, "content").Name()
	check(t, cache, open(t, path), "content")
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}

	tick(t, fi.ModTime())
	if err := os.WriteFile(path, []byte("CONTENT"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, fi.ModTime(), fi.ModTime()); err != nil {
		t.Fatal(err)
	}
	check(t, cache, open(t, path), "CONTENT")

	if runtime.GOOS == "windows" {
		t.Skip("Windows does not replace a file that is open")
	}
	other := plant(t, "replace").Name()
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	check(t, cache, open(t, path), "replace")
}

func TestSumOfAFreshFileIsNotCached(t *testing.T) {
	t.Parallel()
	cache, read := counted(t)
	f := plant(t, "content")
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for name, now := range map[string]time.Time{
		"just written":                      time.Now(),
		"a second ago":                      fi.ModTime().Add(time.Second),
		"in the future of a clock set back": fi.ModTime().Add(-time.Hour),
	} {
		cache.SetNow(func() time.Time { return now })
		for range 2 {
			check(t, cache, f, "content")
			if got := read(); got != 7 {
				t.Errorf("%s: got %d bytes read, want 7", name, got)
			}
		}
	}
}

func TestLeastRecentlyUsedSumIsDropped(t *testing.T) {
	t.Parallel()
	needsIDs(t)
	cache, read := counted(t)
	cache.MaxEntries = 2
	a, b, c := plant(t, "a"), plant(t, "b"), plant(t, "c")
	for i, step := range []struct {
		f       *os.File
		content string
		want    int
	}{
		{a, "a", 1}, {b, "b", 1}, {a, "a", 0}, // b is now the least recently used one
		{c, "c", 1}, {a, "a", 0}, {b, "b", 1}, {c, "c", 1}, {b, "b", 0},
	} {
		check(t, cache, step.f, step.content)
		if got := read(); got != step.want {
			t.Errorf("step %d, %s: got %d bytes read, want %d", i, step.content, got, step.want)
		}
	}
}

func TestFileThatChangesWhileItIsRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(path string) error
	}{
		{"it shrinks", func(path string) error { return os.Truncate(path, digest.Block+5) }},
		{"it shrinks to nothing", func(path string) error { return os.Truncate(path, 0) }},
		{"it grows", func(path string) error { return os.Truncate(path, 5*digest.Block) }},
		{"it gets another time", func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := nettest.PatternFile(t, 3*digest.Block)
			cache := new(digest.Cache)
			cache.SetNow(later)
			cache.SetReadAt(func(f digest.File, p []byte, off int64) (int, error) {
				n, err := f.ReadAt(p, off)
				if off == 0 {
					if err := tt.change(f.Name()); err != nil {
						t.Error(err)
					}
				}
				return n, err
			})
			sum, err := cache.Sum(t.Context(), nobody, f, digest.SHA256)
			var pathErr *fs.PathError
			if sum != nil || !errors.Is(err, digest.ErrChanged) || !errors.As(err, &pathErr) || pathErr.Path != f.Name() {
				t.Errorf("got %x, %v, want %v with the name of the file", sum, err, digest.ErrChanged)
			}
			if !cache.Idle() {
				t.Error("a computation is left")
			}
		})
	}
}

// An error of any read is returned, and the next call starts again.
func TestReadErrors(t *testing.T) {
	t.Parallel()
	const size = 3*digest.Block + 1
	f := nettest.PatternFile(t, size)
	broken := errors.New("broken disk")
	want := nettest.PatternSum(0, size)
	for k := range 4 {
		cache, calls := new(digest.Cache), 0
		cache.SetReadAt(func(f digest.File, p []byte, off int64) (int, error) {
			if calls++; calls == k+1 {
				return 0, broken
			}
			return f.ReadAt(p, off)
		})
		sum, err := cache.Sum(t.Context(), nobody, f, digest.SHA256)
		if sum != nil || !errors.Is(err, broken) {
			t.Errorf("read %d fails: got %x, %v, want %v", k, sum, err, broken)
		}
		if sum, err = cache.Sum(t.Context(), nobody, f, digest.SHA256); string(sum) != string(want[:]) || err != nil {
			t.Errorf("after read %d failed: got %x, %v, want %x", k, sum, err, want)
		}
	}
}

func TestErrorsOfSum(t *testing.T) {
	t.Parallel()
	closed := plant(t, "x")
	_ = closed.Close()
	tests := []struct {
		name      string
		f         *os.File
		algorithm digest.Algorithm
	}{
		{"an unknown algorithm", plant(t, "x"), "rot13"},
		{"a directory", open(t, nettest.TempDir(t)), digest.MD5},
		{"a closed file", closed, digest.MD5},
	}
	for _, tt := range tests {
		if sum, err := new(digest.Cache).Sum(context.Background(), nobody, tt.f, tt.algorithm); sum != nil || err == nil {
			t.Errorf("%s: got %x, %v, want an error", tt.name, sum, err)
		}
	}
}

func TestPartIsTheSumOfThatPart(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("0123456789", digest.Block/4)
	f := plant(t, content)
	size := int64(len(content))
	cache, read := counted(t)
	for _, tt := range []struct {
		name   string
		off, n int64
	}{
		{"all", 0, size},
		{"the beginning", 0, 5},
		{"the end", size - 3, 3},
		{"nothing", 7, 0},
		{"nothing at the end", size, 0},
		{"more than a block", 1, 2*digest.Block + 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			read()
			want := sha256.Sum256([]byte(content[tt.off : tt.off+tt.n]))
			got, err := cache.Part(t.Context(), nobody, f, digest.SHA256, tt.off, tt.n)
			if string(got) != string(want[:]) || err != nil {
				t.Errorf("got %x, %v, want %x", got, err, want)
			}
			if n := read(); int64(n) != tt.n {
				t.Errorf("read %d bytes, want %d", n, tt.n)
			}
		})
	}
	for _, tt := range []struct{ off, n int64 }{{-1, 1}, {0, -1}, {0, size + 1}, {size, 1}, {size + 1, 0}, {1, math.MaxInt64}} {
		if sum, err := cache.Part(t.Context(), nobody, f, digest.SHA256, tt.off, tt.n); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%d bytes from %d: got %x, %v, want %v", tt.n, tt.off, sum, err, fs.ErrInvalid)
		}
	}
}

func TestPartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f := plant(t, "0123456789")
	ctx, cancel := context.WithCancel(t.Context())
	cache := new(digest.Cache)
	cache.SetReadAt(func(f digest.File, p []byte, off int64) (int, error) {
		cancel()
		return f.ReadAt(p[:1], off)
	})
	if sum, err := cache.Part(ctx, nobody, f, digest.MD5, 1, 5); err != context.Canceled {
		t.Errorf("got %x, %v, want %v", sum, err, context.Canceled)
	}
	if !cache.Idle() {
		t.Error("a computation is left")
	}
}

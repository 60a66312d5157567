package s3fs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
	"sluice/s3fs"
)

// openCache opens a cache of a size in a directory that is made.
func openCache(t *testing.T, dir string, size int64) *s3fs.Cache {
	t.Helper()
	cache, err := s3fs.OpenCache(dir, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cache.Close() }) // a second time, in some tests
	return cache
}

// newCache opens a new cache.
func newCache(t *testing.T, size int64) *s3fs.Cache {
	t.Helper()
	return openCache(t, filepath.Join(nettest.TempDir(t), "cache"), size)
}

func with(cache *s3fs.Cache) func(*s3fs.Config) { return func(c *s3fs.Config) { c.Cache = cache } }

// putPattern makes an object of n bytes of the pattern.
func (s *store) putPattern(key string, n int) {
	content := make([]byte, n)
	nettest.PatternAt(content, 0)
	s.put(key, content)
}

// waitForCache waits until the statistics of a cache are as wanted.
func waitForCache(t *testing.T, cache *s3fs.Cache, what string, ok func(s3fs.CacheStats) bool) s3fs.CacheStats {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		stats := cache.Stats()
		if ok(stats) {
			return stats
		}
		if time.Now().After(end) {
			t.Fatalf("%s: have %+v", what, stats)
		}
	}
}

func fills(n int64) func(s3fs.CacheStats) bool {
	return func(s s3fs.CacheStats) bool { return s.Fills == n }
}

// readPattern reads a whole file, and checks that it is n bytes of the pattern.
func readPattern(files afero.Fs, name string, n int) error {
	f, err := files.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return checkPattern(f, n)
}

func checkPattern(r io.Reader, n int) error {
	got, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	want := make([]byte, len(got))
	if nettest.PatternAt(want, 0); len(got) != n || !bytes.Equal(got, want) {
		return fmt.Errorf("got %d bytes, want %d of the pattern", len(got), n)
	}
	return nil
}

func TestAnObjectComesFromTheStoreOnce(t *testing.T) {
	nettest.CheckLeaks(t)
	const size = 3 << 20
	s := newStore(t)
	s.putPattern("dir/f", size)
	dir := filepath.Join(nettest.TempDir(t), "cache")
	cache := openCache(t, dir, 100<<20)
	files := s.open(t, with(cache))
	if err := readPattern(files, "dir/f", size); err != nil {
		t.Fatal(err)
	}
	waitForCache(t, cache, "one fill", fills(1))
	want := []string{"HEAD dir/f", "GET dir/f bytes=0-1048575", "GET dir/f bytes=1048576-3145727"}
	if diff := cmp.Diff(want, s.forget()); diff != "" {
		t.Errorf("requests (-want +got)\n%s", diff)
	}

	f, err := files.Open("dir/f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := checkPattern(f, size); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"HEAD dir/f"}, s.forget()); diff != "" {
		t.Errorf("requests for the cached object (-want +got)\n%s", diff)
	}
	osFile, ok := vfs.OSFile(f)
	if !ok {
		t.Fatal("the cached object is no file of the system")
	}
	if err := checkPattern(io.NewSectionReader(osFile, 0, 1<<30), size); err != nil {
		t.Error(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if o, ok := info.Sys().(*s3fs.Object); !ok || o.ETag != `"300000"` || !info.ModTime().Equal(modified) || info.Name() != "f" || f.Name() != "dir/f" {
		t.Errorf("the cached object is described as %v %v %v", info.Name(), info.ModTime(), info.Sys())
	}
	if _, err := f.Write([]byte("x")); err == nil {
		t.Error("the cached object can be written to")
	}
	want2 := s3fs.CacheStats{Files: 1, Size: size, MaxSize: 100 << 20, Hits: 1, Misses: 1, Fills: 1, Fetched: size}
	if diff := cmp.Diff(want2, cache.Stats()); diff != "" {
		t.Errorf("statistics (-want +got)\n%s", diff)
	}
	checkPrivate(t, dir, "dir", "f")
}

// checkPrivate checks that nobody else can read a cache, and that no file has one of the names.
func checkPrivate(t *testing.T, dir string, names ...string) {
	t.Helper()
	if os.PathSeparator == '\\' {
		return // there are no modes
	}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %v", name, info.Mode())
		}
		if slices.Contains(names, d.Name()) {
			t.Errorf("the cache shows the name %s", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestManyReadersShareOneFill(t *testing.T) {
	nettest.CheckLeaks(t)
	const size = 6<<20 + 5
	s := newStore(t)
	s.putPattern("f", size)
	cache := newCache(t, 100<<20)
	files := s.open(t, with(cache))
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			if err := readPattern(files, "f", size); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	waitForCache(t, cache, "one fill", fills(1))
	var gets []string
	for _, r := range s.forget() {
		if strings.HasPrefix(r, "GET") {
			gets = append(gets, r)
		}
	}
	want := []string{"GET f bytes=0-1048575", "GET f bytes=1048576-5242879", "GET f bytes=5242880-6291460"}
	if diff := cmp.Diff(want, gets); diff != "" {
		t.Errorf("requests (-want +got)\n%s", diff)
	}
}

func TestWhatBeginsAFill(t *testing.T) {
	const large = 20 << 20
	for _, tt := range []struct {
		name  string
		size  int
		steps func(f afero.File) error
		want  []string
		fills int64
	}{
		{"opening alone begins nothing", large, func(afero.File) error { return nil }, nil, 0},
		{"the beginning of a large object costs one part", large, func(f afero.File) error {
			return readSome(f, 0, 512)
		}, []string{"GET f bytes=0-1048575"}, 0},
		{"a range of a large object is all that comes", large, func(f afero.File) error {
			return readSome(f, 10<<20, 100)
		}, []string{"GET f bytes=10485760-11534335"}, 0},
		{"the beginning is read to know the type, then a range", large, func(f afero.File) error {
			return errors.Join(readSome(f, 0, 512), readSome(f, 10<<20, 100))
		}, []string{"GET f bytes=0-1048575", "GET f bytes=10485760-11534335"}, 0},
		{"a range of an object of one part brings all of it", 1 << 20, func(f afero.File) error {
			return readSome(f, 1<<19, 100)
		}, []string{"GET f bytes=0-1048575"}, 1},
		{"an object of a few parts comes to its end alone", 5 << 20, func(f afero.File) error {
			return readSome(f, 0, 100)
		}, []string{"GET f bytes=0-1048575", "GET f bytes=1048576-5242879"}, 1},
		{"an object larger than a quarter of the cache is not kept", 65 << 20, func(f afero.File) error {
			return checkPattern(f, 65<<20)
		}, []string{"GET f bytes=0-1048575", "GET f bytes=1048576-5242879", "GET f bytes=5242880-22020095", "GET f bytes=22020096-68157439"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			s := newStore(t)
			cache := newCache(t, 256<<20)
			s.putPattern("f", tt.size)
			f, err := s.open(t, with(cache)).Open("f")
			if err != nil {
				t.Fatal(err)
			}
			s.forget()
			if err := tt.steps(f); err != nil {
				t.Error(err)
			}
			_ = f.Close()
			waitForCache(t, cache, "the fills", fills(tt.fills))
			if err := cache.Close(); err != nil { // which waits for a fill that goes on
				t.Error(err)
			}
			if diff := cmp.Diff(tt.want, s.forget()); diff != "" {
				t.Errorf("requests (-want +got)\n%s", diff)
			}
			if stats := cache.Stats(); stats.Fills == 0 && stats.Size != 0 {
				t.Errorf("the space was not given back: %+v", stats)
			}
		})
	}
}

func TestAReaderThatLeavesStopsNobody(t *testing.T) {
	nettest.CheckLeaks(t)
	const size = 30 << 20
	s := newStore(t)
	s.putPattern("f", size)
	cache := newCache(t, 200<<20)
	files := s.open(t, with(cache))
	first, err := files.Open("f")
	if err != nil {
		t.Fatal(err)
	}
	if err := readSome(first, 0, 1000); err != nil {
		t.Fatal(err)
	}
	second, err := files.Open("f")
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if err := readSome(second, 500, 1000); err != nil { // it joins in the middle
		t.Fatal(err)
	}
	_ = first.Close()
	if _, err := second.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if err := checkPattern(second, size); err != nil {
		t.Error(err)
	}
	waitForCache(t, cache, "one fill", fills(1))
	if got := cache.Stats().Fetched; got != size {
		t.Errorf("%d bytes came for %d", got, size)
	}
}

func TestAFillThatNobodyReadsEnds(t *testing.T) {
	nettest.CheckLeaks(t)
	const size = 40 << 20
	s := newStore(t)
	s.putPattern("f", size)
	cache := newCache(t, 200<<20)
	f, err := s.open(t, with(cache)).Open("f")
	if err != nil {
		t.Fatal(err)
	}
	if err := readSome(f, 0, 900_000); err != nil { // beyond the middle of the first part
		t.Fatal(err)
	}
	_ = f.Close()
	stats := waitForCache(t, cache, "its space is free again", func(s s3fs.CacheStats) bool { return s.Size == 0 })
	if stats.Fills != 0 || stats.Fetched >= size/2 {
		t.Errorf("got %+v, want no fill", stats)
	}
}

func TestAReplacedObjectIsNeverMixed(t *testing.T) {
	nettest.CheckLeaks(t)
	s := newStore(t)
	sizes := []int{1<<20 - 1, 2<<20 + 7, 3 << 20, 900, 5 << 20} // each has another tag
	s.putPattern("f", sizes[0])
	cache := newCache(t, 16<<20) // which is too small for all
	files := s.open(t, with(cache))
	ended := make(chan struct{})
	var changes atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-ended:
				return
			case <-time.After(time.Duration(rand.IntN(3)) * time.Millisecond):
			}
			s.putPattern("f", sizes[i%len(sizes)])
			changes.Add(1)
		}
	})
	var whole atomic.Int64
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for range 40 {
				f, err := files.Open("f")
				if err != nil {
					t.Error(err)
					return
				}
				info, _ := f.Stat()
				err = checkPattern(f, int(info.Size()))
				_ = f.Close()
				switch {
				case err == nil:
					whole.Add(1)
				case !errors.Is(err, s3fs.ErrChanged):
					t.Error(err)
				}
			}
		})
	}
	readers.Wait()
	close(ended)
	wg.Wait()
	if whole.Load() == 0 || changes.Load() == 0 {
		t.Errorf("%d files were whole after %d changes", whole.Load(), changes.Load())
	}
	if err := cache.Close(); err != nil {
		t.Error(err)
	}
}

func TestTheOldestGiveWay(t *testing.T) {
	const size = 1 << 20
	s := newStore(t)
	dir := filepath.Join(nettest.TempDir(t), "cache")
	cache := openCache(t, dir, 4*size)
	files := s.open(t, with(cache))
	read := func(name string) {
		t.Helper()
		before := cache.Stats()
		if err := readPattern(files, name, size); err != nil {
			t.Fatal(err)
		}
		waitForCache(t, cache, name+" is in", func(s s3fs.CacheStats) bool { return s.Fills > before.Fills || s.Hits > before.Hits })
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		s.putPattern(name, size)
		read(name)
	}
	s.putPattern("e", size)
	read("a")
	read("e") // b gives way
	if got := cache.Stats(); got.Evictions != 1 || got.Files != 4 || got.Size != 4*size {
		t.Errorf("got %+v", got)
	}
	hits := cache.Stats().Hits
	for _, name := range []string{"a", "c", "d", "e"} {
		read(name)
	}
	if got := cache.Stats(); got.Hits != hits+4 {
		t.Errorf("%d of 4 were there", got.Hits-hits)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4+1 {
		t.Errorf("%d files are on the disk, %v", len(entries), err)
	}
}

func TestACacheIsUsedAfterARestart(t *testing.T) {
	const size = 100_000
	s := newStore(t)
	dir := filepath.Join(nettest.TempDir(t), "cache")
	cache := openCache(t, dir, 40<<20)
	files := s.open(t, with(cache))
	for _, name := range []string{"a", "b", "c"} {
		s.putPattern(name, size)
		if err := readPattern(files, name, size); err != nil {
			t.Fatal(err)
		}
	}
	waitForCache(t, cache, "all", fills(3))
	if _, err := s3fs.OpenCache(dir, 1<<20); !errors.Is(err, s3fs.ErrCacheInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second one has opened the directory: %v", err)
	}
	if err := cache.Close(); err != nil {
		t.Fatal(err)
	}
	if err := readPattern(files, "a", size); err != nil { // from the store
		t.Error(err)
	}

	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var object string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "object-") {
			object = e.Name()
		}
	}
	for name, content := range map[string]string{
		"unfinished-7": "half", "notes.txt": "of the operator", "unfinished-x": "of the operator", "object-1-2-3": "of the operator",
		strings.TrimSuffix(object, object[strings.LastIndexByte(object, '-'):]) + "-99": "another size",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(filepath.Join(dir, object), size/2); err != nil {
		t.Fatal(err)
	}
	cache = openCache(t, dir, 40<<20)
	if got := cache.Stats(); got.Files != 2 || got.Size != 2*102_400 {
		t.Errorf("got %+v, want 2 files", got)
	}
	var left []string
	entries, _ = os.ReadDir(dir)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "object-") || len(e.Name()) < 30 {
			left = append(left, e.Name())
		}
	}
	if want := []string{"lock", "notes.txt", "object-1-2-3", "unfinished-x"}; !slices.Equal(left, want) || len(entries) != 6 {
		t.Errorf("the directory has %q among %d, want %q", left, len(entries), want)
	}
	files = s.open(t, with(cache))
	for _, name := range []string{"a", "b", "c"} {
		if err := readPattern(files, name, size); err != nil {
			t.Error(err)
		}
	}
	if got := cache.Stats(); got.Hits != 2 || got.Misses != 1 {
		t.Errorf("got %+v, want two hits", got)
	}
	waitForCache(t, cache, "the missing one", fills(1))
	_ = cache.Close()
	if cache = openCache(t, dir, 150_000); cache.Stats().Files != 1 {
		t.Errorf("got %+v, want what fits into a smaller cache", cache.Stats())
	}
}

func TestADirectoryThatIsNoCache(t *testing.T) {
	dir := nettest.TempDir(t)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	public := filepath.Join(dir, "public")
	if err := os.Mkdir(public, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(public, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, dir, want string }{
		{"a file", file, "file"},
		{"a directory in none", filepath.Join(dir, "a", "b"), "a"},
		{"a directory that others can read", public, "is open to others (mode 0755): chmod 700 it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.dir == public && os.PathSeparator == '\\' {
				t.Skip("there are no modes")
			}
			if _, err := s3fs.OpenCache(tt.dir, 1<<20); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestACacheInFrontOfAStoreThatFails(t *testing.T) {
	const size = 3 << 20
	slowDown := func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n%2 == 0 {
			return false
		}
		refuse(w, http.StatusServiceUnavailable, "SlowDown")
		return true
	}
	replaced := func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n < 2 || r.Method == http.MethodHead {
			return false
		}
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return true
	}
	silent := func(n int, _ http.ResponseWriter, r *http.Request) bool {
		if n > 1 {
			<-r.Context().Done()
		}
		return n > 1
	}
	for _, tt := range []struct {
		name  string
		fault func(n int, w http.ResponseWriter, r *http.Request) bool
		want  error
	}{
		{"503 is asked again", slowDown, nil},
		{"an object that was replaced is an error for all readers", replaced, s3fs.ErrChanged},
		{"a store that is silent is an error for all readers", silent, s3fs.ErrStore},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			s := newStore(t)
			s.putPattern("f", size)
			cache := newCache(t, 100<<20)
			files := s.open(t, func(c *s3fs.Config) { c.Cache, c.Timeout = cache, time.Second })
			var all []afero.File
			for range 5 {
				f, err := files.Open("f")
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				all = append(all, f)
			}
			s.setFault(tt.fault)
			var wg sync.WaitGroup
			for _, f := range all {
				wg.Go(func() {
					if err := checkPattern(f, size); !errors.Is(err, tt.want) {
						t.Errorf("got %v, want %v", err, tt.want)
					}
				})
			}
			wg.Wait()
			if err := cache.Close(); err != nil {
				t.Error(err)
			}
			if stats := cache.Stats(); tt.want != nil && (stats.Files != 0 || stats.Size != 0 || stats.Failures != 0) {
				t.Errorf("got %+v, want an empty cache", stats)
			}
		})
	}
}

func TestReadersOutliveTheCache(t *testing.T) {
	nettest.CheckLeaks(t)
	const size = 30 << 20
	s := newStore(t)
	s.putPattern("f", size)
	cache := newCache(t, 200<<20)
	f, err := s.open(t, with(cache)).Open("f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := readSome(f, 0, 1000); err != nil {
		t.Fatal(err)
	}
	if err := cache.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if err := checkPattern(f, size); err != nil {
		t.Error(err)
	}
}

func TestTwoStoresShareACache(t *testing.T) {
	cache := newCache(t, 100<<20)
	for i := range 2 {
		s := newStore(t)
		s.put("f", []byte{byte(i), 2, 3}) // of one size, and so with one tag
		got, err := afero.ReadFile(s.open(t, with(cache)), "f")
		if err != nil || !bytes.Equal(got, []byte{byte(i), 2, 3}) {
			t.Errorf("store %d: got %v, %v", i, got, err)
		}
		waitForCache(t, cache, "the fill", fills(int64(i+1)))
	}
}

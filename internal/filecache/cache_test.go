package filecache_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/filecache"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// A fixture is a cache of a new directory, with a clock that only the test moves. The
// clock starts an hour late, so that the files of the test are old enough.
type fixture struct {
	*filecache.Cache
	dir string
	now atomic.Int64 // since the start
}

func newFixture(t testing.TB, c *filecache.Cache) *fixture {
	t.Helper()
	nettest.CheckLeaks(t)
	s := &fixture{Cache: c, dir: nettest.TempDir(t)}
	tree, err := vfs.Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	c.Tree = tree
	if runtime.GOOS == "windows" && c.Valid == 0 {
		c.Valid = time.Second // on Windows the default is to keep nothing
	}
	start := time.Now().Add(time.Hour)
	c.SetClock(func() time.Time { return start.Add(time.Duration(s.now.Load())) })
	t.Cleanup(func() {
		_ = c.Close()
		_ = tree.Close()
	})
	return s
}

func (s *fixture) pass(d time.Duration) { s.now.Add(int64(d)) }

func (s *fixture) clock() time.Time { return time.Now().Add(time.Hour + time.Duration(s.now.Load())) }

func (s *fixture) write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// replace replaces a file atomically.
func (s *fixture) replace(t testing.TB, name, content string) {
	t.Helper()
	s.write(t, ".new", content)
	s.rename(t, ".new", name)
}

func (s *fixture) rename(t testing.TB, from, to string) {
	t.Helper()
	skipOnWindows(t)
	if err := os.Rename(filepath.Join(s.dir, from), filepath.Join(s.dir, to)); err != nil {
		t.Fatal(err)
	}
}

// skipOnWindows skips the rest of a test, which replaces open files.
func skipOnWindows(t testing.TB) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows replaces and removes no file that is open")
	}
}

func (s *fixture) remove(t testing.TB, name string) {
	t.Helper()
	skipOnWindows(t)
	if err := os.RemoveAll(filepath.Join(s.dir, name)); err != nil {
		t.Fatal(err)
	}
}

// read returns the result of a Get of name: the content, "<dir>" or an error.
func (s *fixture) read(t testing.TB, name string) string {
	t.Helper()
	f, err := s.Get(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "<none>"
		}
		return "<" + err.Error() + ">"
	}
	defer f.Release()
	return content(t, f)
}

func content(t testing.TB, f *filecache.File) string {
	t.Helper()
	if f.Info.IsDir() {
		return "<dir>"
	}
	p := make([]byte, f.Info.Size())
	if _, err := f.File.ReadAt(p, 0); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	if f.Body != nil && string(f.Body) != string(p) {
		t.Errorf("Body is %q, and the file %q", f.Body, p)
	}
	return string(p)
}

func TestAnEntryIsValidForASecond(t *testing.T) {
	s := newFixture(t, &filecache.Cache{})
	s.write(t, "a", "one")
	for range 3 {
		if got := s.read(t, "/a"); got != "one" {
			t.Errorf("got %q, want one", got)
		}
	}
	if got := s.Stats(); got != (filecache.Stats{Entries: 1, Files: 1, Memory: 3, Opens: 1}) {
		t.Errorf("after three: %+v, want one open", got)
	}

	s.replace(t, "a", "two")
	s.pass(time.Second - 1)
	if got := s.read(t, "/a"); got != "one" {
		t.Errorf("just before the second is over: %q, want one", got)
	}
	s.pass(1)
	if got := s.read(t, "/a"); got != "two" {
		t.Errorf("after a second: %q, want two", got)
	}
}

// Each change is seen when an entry is no longer valid, whether the file is small enough
// to be kept in memory or not.
func TestChangesAreSeen(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, s *fixture)
		want   string
	}{
		{"nothing", func(*testing.T, *fixture) {}, "content"},
		{"replaced by a file of the same size", func(t *testing.T, s *fixture) { s.replace(t, "a", "CONTENT") }, "CONTENT"},
		{"truncated", func(t *testing.T, s *fixture) { s.truncate(t, "a", 3) }, "con"},
		{"appended to", func(t *testing.T, s *fixture) { s.append(t, "a", " and more") }, "content and more"},
		{"written over in place", func(t *testing.T, s *fixture) { s.overwrite(t, "a", "CONTENT") }, "CONTENT"},
		{"removed", func(t *testing.T, s *fixture) { s.remove(t, "a") }, "<none>"},
		{"now a directory", func(t *testing.T, s *fixture) {
			s.remove(t, "a")
			if err := os.Mkdir(filepath.Join(s.dir, "a"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, "<dir>"},
	} {
		for _, body := range []int64{0, -1} {
			t.Run(tt.name+map[int64]string{0: ", in memory", -1: ", on disk"}[body], func(t *testing.T) {
				s := newFixture(t, &filecache.Cache{MaxBody: body})
				s.write(t, "a", "content")
				if got := s.read(t, "/a"); got != "content" {
					t.Fatalf("got %q at first", got)
				}
				tt.change(t, s)
				s.pass(time.Second)
				if got := s.read(t, "/a"); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		}
	}
}

func (s *fixture) truncate(t *testing.T, name string, n int64) {
	t.Helper()
	if err := os.Truncate(filepath.Join(s.dir, name), n); err != nil {
		t.Fatal(err)
	}
}

func (s *fixture) append(t *testing.T, name, content string) {
	t.Helper()
	s.open(t, name, os.O_APPEND, content)
}

func (s *fixture) overwrite(t *testing.T, name, content string) {
	t.Helper()
	s.open(t, name, 0, content)
}

func (s *fixture) open(t *testing.T, name string, flag int, content string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(s.dir, name), os.O_WRONLY|flag, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(content); err != nil {
		t.Fatal(err)
	}
}

func TestAFileWithoutBodyIsSeenToChangeAtOnce(t *testing.T) {
	s := newFixture(t, &filecache.Cache{MaxBody: 3})
	s.write(t, "a", "long enough")
	if got := s.read(t, "/a"); got != "long enough" {
		t.Fatalf("got %q at first", got)
	}
	s.truncate(t, "a", 4)
	if f := s.Hit("/a", s.clock()); f != nil {
		f.Release()
		t.Errorf("Hit gave a file of %d bytes, which now has 4", f.Info.Size())
	}
	if got := s.read(t, "/a"); got != "long" {
		t.Errorf("got %q, want the rest", got)
	}
}

// A change within one tick of the clock of the file system does not change the times of
// a file. The test sets them back instead.
func TestAYoungBodyIsReadAgain(t *testing.T) {
	s := newFixture(t, &filecache.Cache{})
	s.now.Store(-int64(time.Hour))
	s.write(t, "a", "one")
	f, err := s.Get("/a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	s.pass(time.Second)
	g, err := s.Get("/a")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Release()
	if f == g {
		t.Error("a body read within a second of the last change was believed longer than a second")
	}
	s.pass(5 * time.Second)
	h, err := s.Get("/a")
	if err != nil {
		t.Fatal(err)
	}
	defer h.Release()
	s.pass(time.Second)
	i, err := s.Get("/a")
	if err != nil {
		t.Fatal(err)
	}
	defer i.Release()
	if h == g || h != i {
		t.Error("a body read six seconds after the last change should stay as long as the stamp")
	}
}

func TestAMissingNameIsKept(t *testing.T) {
	s := newFixture(t, &filecache.Cache{})
	for range 3 {
		if got := s.read(t, "/a"); got != "<none>" {
			t.Errorf("got %q", got)
		}
	}
	if got := s.Stats(); got != (filecache.Stats{Entries: 1, Opens: 1}) {
		t.Errorf("after three: %+v, want one open", got)
	}
	s.write(t, "a", "here")
	s.pass(time.Second)
	if got := s.read(t, "/a"); got != "here" {
		t.Errorf("got %q, want the new file", got)
	}
}

func TestOtherErrorsAreNotKept(t *testing.T) {
	s := newFixture(t, &filecache.Cache{})
	s.write(t, "a", "file")
	for range 2 {
		if _, err := s.Get("/\x00"); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("got %v, want %v", err, fs.ErrInvalid)
		}
	}
	if got := s.Stats(); got != (filecache.Stats{Opens: 2}) {
		t.Errorf("after two: %+v, want nothing kept", got)
	}
}

func TestWithoutValidityEachGetOpens(t *testing.T) {
	s := newFixture(t, &filecache.Cache{Valid: -1})
	s.write(t, "a", "one")
	if got := s.read(t, "/a"); got != "one" {
		t.Errorf("got %q", got)
	}
	s.replace(t, "a", "two")
	if got := s.read(t, "/a"); got != "two" {
		t.Errorf("got %q, want two", got)
	}
	if got := s.Stats(); got != (filecache.Stats{Opens: 2}) {
		t.Errorf("after two: %+v, want nothing kept", got)
	}
}

func TestBounds(t *testing.T) {
	for _, tt := range []struct {
		name          string
		cache         *filecache.Cache
		entries, kept int
	}{
		{"entries", &filecache.Cache{MaxFiles: 10}, 10, 10},
		{"entries in many shards", &filecache.Cache{MaxFiles: 256}, 256, 256},
		{"memory", &filecache.Cache{MaxMemory: 1000}, 10, 10},
		{"memory in many shards", &filecache.Cache{MaxMemory: 10_000, MaxBody: 100}, 100, 100},
		{"size of a body", &filecache.Cache{MaxBody: 99, MaxMemory: 1 << 20}, 300, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newFixture(t, tt.cache)
			content := string(make([]byte, 100))
			for i := range 300 {
				name := string(rune('a'+i%26)) + string(rune('a'+i/26))
				s.write(t, name, content)
				s.read(t, "/"+name)
				if got := s.Stats(); got.Entries > tt.entries || got.Files > tt.entries || got.Memory > int64(100*tt.kept) {
					t.Fatalf("after %d: %+v, want at most %d with %d bodies", i+1, got, tt.entries, tt.kept)
				}
			}
			if got := s.Stats(); got.Entries < tt.entries/4 {
				t.Errorf("at the end %d entries, of %d that may be", got.Entries, tt.entries)
			}
		})
	}
}

// The hash is not even: shards with bounds of their own would be full long before the
// cache is.
func TestTheCacheFillsUpToItsBounds(t *testing.T) {
	const n = 1000
	s := newFixture(t, &filecache.Cache{MaxFiles: n, Valid: time.Hour})
	for range 2 {
		for i := range n {
			s.read(t, "/"+strconv.Itoa(i))
		}
	}
	if got := s.Stats(); got != (filecache.Stats{Entries: n, Opens: n}) {
		t.Errorf("%d names twice: %+v, want one open of each", n, got)
	}
}

func TestUsedEntriesStay(t *testing.T) {
	s := newFixture(t, &filecache.Cache{MaxFiles: 8, Valid: time.Hour})
	s.write(t, "hot", "hot")
	s.read(t, "/hot")
	for i := range 100 {
		s.pass(time.Millisecond)
		s.read(t, "/hot")
		s.pass(time.Millisecond)
		s.read(t, "/missing"+string(rune('0'+i)))
	}
	if got := s.Stats(); got.Opens != 101 {
		t.Errorf("%d opens, want one of each", got.Opens)
	}
}

func TestAFileStaysOpenForItsUsers(t *testing.T) {
	skipOnWindows(t)
	s := newFixture(t, &filecache.Cache{})
	s.write(t, "a", "one")
	f, err := s.Get("/a")
	if err != nil {
		t.Fatal(err)
	}
	g := s.Hit("/a", s.clock())
	if g != f {
		t.Fatalf("Hit = %p, want %p", g, f)
	}
	s.remove(t, "a")
	s.pass(time.Second)
	s.read(t, "/a")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f.Release()
	if got := content(t, g); got != "one" {
		t.Errorf("got %q, want one", got)
	}
	g.Release()
	if _, err := g.File.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after the last use: %v, want a closed file", err)
	}
}

func TestReleasingTooOftenPanics(t *testing.T) {
	s := newFixture(t, &filecache.Cache{Valid: -1})
	s.write(t, "a", "one")
	f, err := s.Get("/a")
	if err != nil {
		t.Fatal(err)
	}
	f.Release()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f.Release()
}

func TestIdleFilesAreRemoved(t *testing.T) {
	s := newFixture(t, &filecache.Cache{Valid: time.Hour})
	s.write(t, "a", "one")
	s.write(t, "b", "two")
	s.read(t, "/a")
	s.read(t, "/b")
	s.pass(6 * time.Second)
	s.read(t, "/b")
	s.pass(6 * time.Second)
	s.Sweep()
	if got := s.Stats(); got.Entries != 1 || got.Memory != 3 {
		t.Errorf("%+v, want the one that was asked for", got)
	}
	f, err := s.Get("/b")
	if err != nil {
		t.Fatal(err)
	}
	if s.DropIdle() {
		t.Error("a file in use was dropped")
	}
	f.Release()
	if !s.DropIdle() || s.Stats().Entries != 0 {
		t.Error("an idle file was not dropped")
	}
}

func TestAfterCloseNothingIsKept(t *testing.T) {
	s := newFixture(t, &filecache.Cache{})
	s.write(t, "a", "one")
	s.read(t, "/a")
	_ = s.Close()
	if got := s.read(t, "/a"); got != "one" {
		t.Errorf("got %q", got)
	}
	if got := s.Stats(); got != (filecache.Stats{Opens: 2}) {
		t.Errorf("got %+v, want nothing kept", got)
	}
}

func TestAStampedeIsOneOpen(t *testing.T) {
	s := newFixture(t, &filecache.Cache{})
	s.write(t, "a", "one")
	for _, name := range []string{"/a", "/missing"} {
		before := s.Stats().Opens
		start := make(chan struct{})
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				<-start
				s.read(t, name)
			})
		}
		close(start)
		wg.Wait()
		if got := s.Stats().Opens - before; got != 1 {
			t.Errorf("%s: %d opens, want 1", name, got)
		}
	}
}

// Each reader gets one complete content of a writer.
func TestReadersAndWriters(t *testing.T) {
	skipOnWindows(t)
	s := newFixture(t, &filecache.Cache{MaxFiles: 4, MaxMemory: 20, MaxBody: 10})
	contents := []string{"short", "a good deal longer", "twelve bytes"}
	names := []string{"a", "b", "c", "d", "e", "f"}
	for _, name := range names {
		s.write(t, name, contents[0])
	}
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				name := names[(i+w)%len(names)]
				next := ".new" + string(rune('0'+w))
				if err := os.WriteFile(filepath.Join(s.dir, next), []byte(contents[i%3]), 0o644); err != nil {
					t.Error(err)
				}
				if err := os.Rename(filepath.Join(s.dir, next), filepath.Join(s.dir, name)); err != nil {
					t.Error(err)
				}
				s.pass(100 * time.Millisecond)
				s.DropIdle()
				s.Sweep()
			}
		})
	}
	for r := range 4 {
		readers.Go(func() {
			for i := range 500 {
				got := s.read(t, "/"+names[(i*7+r)%len(names)])
				if got != contents[0] && got != contents[1] && got != contents[2] {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	readers.Wait()
	close(stop)
	writers.Wait()
}

func TestAHitAllocatesNothing(t *testing.T) {
	for _, body := range []int64{0, -1} {
		s := newFixture(t, &filecache.Cache{MaxBody: body})
		s.write(t, "a", "one")
		s.read(t, "/a")
		path, now := "/a", s.clock()
		allocs := testing.AllocsPerRun(100, func() {
			f := s.Hit(path, now)
			if f == nil {
				t.Fatal("no hit")
			}
			f.Release()
			if f, _ = s.Get("/a"); f != nil {
				f.Release()
			}
			if f, _ = s.Cached(path, now); f != nil {
				f.Release()
			}
		})
		if allocs != 0 {
			t.Errorf("with MaxBody %d: %v allocations, want 0", body, allocs)
		}
	}
}

func BenchmarkHit(b *testing.B) { benchmarkHit(b, func() {}) }

// benchmarkHit measures Hit. It calls before before each.
func benchmarkHit(b *testing.B, before func()) {
	for _, body := range []int64{0, -1} {
		b.Run(map[int64]string{0: "memory", -1: "disk"}[body], func(b *testing.B) {
			s := newFixture(b, &filecache.Cache{MaxBody: body})
			s.write(b, "a", "one")
			s.read(b, "/a")
			path, now := "/a", s.clock()
			b.ReportAllocs()
			for b.Loop() {
				before()
				s.Hit(path, now).Release()
			}
		})
	}
}

func TestCachesThatShareABudgetKeepToOneBound(t *testing.T) {
	dir := nettest.TempDir(t)
	for i := range 8 {
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), []byte("content"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var budget filecache.Budget
	first := &filecache.Cache{Tree: root, Valid: time.Hour, MaxFiles: 5, Budget: &budget}
	second := &filecache.Cache{Tree: root, Valid: time.Hour, MaxFiles: 5, Budget: &budget}
	get := func(c *filecache.Cache, from, to int) {
		for i := from; i < to; i++ {
			f, err := c.Get("/" + strconv.Itoa(i))
			if err != nil {
				t.Fatal(err)
			}
			f.Release()
		}
	}
	get(first, 0, 3)
	get(second, 0, 8)
	if a, b := first.Stats(), second.Stats(); a.Files != 3 || b.Files != 2 || b.Entries != 2 || b.Memory != 14 {
		t.Errorf("the caches keep %+v and %+v, want 3 and 2 files", a, b)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	get(second, 0, 8)
	if b := second.Stats(); b.Files != 5 {
		t.Errorf("after the first was closed, the second keeps %+v, want 5 files", b)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
}

package filecache_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/filecache"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// A change by this process through any tree is seen by the next Get, even if an entry is valid for longer.
func TestAChangeByThisProcessIsSeenAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(tree *vfs.Root) error
		want   map[string]string
	}{
		{"a new file", func(tree *vfs.Root) error { return put(tree, "/new", "new") }, map[string]string{"/new": "new"}},
		{"a file in place of another", func(tree *vfs.Root) error {
			if err := put(tree, "/.a", "other"); err != nil {
				return err
			}
			return tree.Rename("/.a", "/d/a")
		}, map[string]string{"/d/a": "other"}},
		{"one that was removed", func(tree *vfs.Root) error { return tree.Remove("/d/a") }, map[string]string{"/d/a": "<none>"}},
		{"one that was moved", func(tree *vfs.Root) error { return tree.Rename("/d/a", "/new") }, map[string]string{"/d/a": "<none>", "/new": "content"}},
		{"a directory that was moved", func(tree *vfs.Root) error { return tree.Rename("/d", "/e") }, map[string]string{
			"/d/a": "<none>", "/d": "<none>", "/e": "<dir>", "/e/a": "content",
		}},
		{"a directory that was removed", func(tree *vfs.Root) error { return tree.RemoveAll("/d") }, map[string]string{"/d/a": "<none>", "/d": "<none>"}},
		{"a new directory", func(tree *vfs.Root) error { return tree.Mkdir("/new", 0o755) }, map[string]string{"/new": "<dir>"}},
		{"a link", func(tree *vfs.Root) error { return tree.Symlink("/d/a", "/new") }, map[string]string{"/new": "content"}},
		{"an end that was added", func(tree *vfs.Root) error {
			f, err := tree.File("/d/a", os.O_WRONLY|os.O_APPEND, 0)
			if err == nil {
				_, err = f.WriteString(", more")
				_ = f.Close()
			}
			vfs.CountChange()
			return err
		}, map[string]string{"/d/a": "content, more"}},
		{"something else", func(tree *vfs.Root) error { return put(tree, "/else", "") }, nil},
	} {
		for _, body := range []int64{0, -1} {
			t.Run(tt.name+map[int64]string{0: ", in memory", -1: ", on disk"}[body], func(t *testing.T) {
				skipOnWindows(t)
				s := newFixture(t, &filecache.Cache{MaxBody: body, Valid: time.Hour})
				other, err := vfs.Open(s.dir)
				if err != nil {
					t.Fatal(err)
				}
				defer other.Close()
				want := map[string]string{"/d": "<dir>", "/d/a": "content", "/e": "<none>", "/e/a": "<none>", "/new": "<none>"}
				if err := other.Writable().Mkdir("/d", 0o755); err != nil {
					t.Fatal(err)
				}
				s.write(t, "d/a", "content")
				compare := func(when string) {
					t.Helper()
					for name, content := range want {
						if got := s.read(t, name); got != content {
							t.Errorf("%s: %s is %q, want %q", when, name, got, content)
						}
					}
				}
				compare("before")
				compare("before, remembered")
				if err := tt.change(other.Writable()); err != nil {
					t.Fatal(err)
				}
				for name, content := range tt.want {
					want[name] = content
				}
				compare("after")
				compare("after, remembered")
			})
		}
	}
}

func put(fsys afero.Fs, name, content string) error {
	return afero.WriteFile(fsys, name, []byte(content), 0o644)
}

// A change of other files costs no open, and makes no Hit a miss.
func TestAChangeOfAnotherFileLeavesEntries(t *testing.T) {
	s := newFixture(t, &filecache.Cache{})
	if _, err := vfs.Identify(s.Tree.(*vfs.Root), "/"); err != nil {
		t.Skip(err)
	}
	s.write(t, "a", "one")
	for range 3 {
		if got := s.read(t, "/a") + s.read(t, "/missing"); got != "one<none>" {
			t.Errorf("got %q", got)
		}
		vfs.CountChange()
		f := s.Hit("/a", s.clock())
		if f == nil {
			t.Fatal("no hit after a change elsewhere")
		}
		f.Release()
	}
	if got := s.Stats().Opens; got != 2 {
		t.Errorf("%d opens, want 2", got)
	}
}

// A body that was read within two seconds after a change of its file is read again after the next change.
func TestAYoungBodyIsReadAgainAfterAChange(t *testing.T) {
	s := newFixture(t, &filecache.Cache{Valid: time.Hour})
	s.now.Store(-int64(time.Hour))
	s.write(t, "a", "one")
	f, err := s.Get("/a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	vfs.CountChange()
	g, err := s.Get("/a")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Release()
	if f == g {
		t.Error("it was believed")
	}
}

// slow is a tree in which the first Open of a file waits, and then returns the file that was there when it began.
type slow struct {
	vfs.Tree
	calls   atomic.Int64
	entered chan struct{}
	leave   chan struct{}
}

func (s *slow) Open(name string) (afero.File, error) {
	f, err := s.Tree.Open(name)
	if s.calls.Add(1) == 1 {
		close(s.entered)
		<-s.leave
	}
	return f, err
}

// The result of a load that began before a change is not returned to callers that come after it: neither to one that
// could have waited for it, nor from the cache.
func TestALoadBeforeAChangeIsNotForLaterCallers(t *testing.T) {
	skipOnWindows(t)
	dir := nettest.TempDir(t)
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := put(root.Writable(), "/f", "before"); err != nil {
		t.Fatal(err)
	}
	for _, waits := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			tree := &slow{Tree: root, entered: make(chan struct{}), leave: make(chan struct{})}
			cache := &filecache.Cache{Tree: tree, Valid: time.Hour}
			defer cache.Close()
			get := func(want string) {
				f, err := cache.Get("/f")
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Release()
				if got := content(t, f); got != want {
					t.Errorf("waits %v: got %q, want %q", waits, got, want)
				}
			}
			after := "after " + strconv.FormatBool(waits)
			before := "before"
			if !waits {
				before = "after true"
			}
			var wg sync.WaitGroup
			wg.Go(func() { get(before) })
			<-tree.entered
			if err := put(root.Writable(), "/.f", after); err != nil {
				t.Fatal(err)
			}
			if err := root.Writable().Rename("/.f", "/f"); err != nil {
				t.Fatal(err)
			}
			if waits {
				for range 3 {
					wg.Go(func() { get(after) })
				}
				synctest.Wait()
			}
			close(tree.leave)
			wg.Wait()
			get(after)
		})
	}
}

// A Get that begins after a change was acknowledged returns nothing older, even while other goroutines change and
// read the file.
func TestNoGetIsOlderThanAnAcknowledgedChange(t *testing.T) {
	skipOnWindows(t)
	for _, body := range []int64{0, -1} {
		s := newFixture(t, &filecache.Cache{MaxBody: body, Valid: time.Hour})
		tree := s.Tree.(*vfs.Root).Writable()
		var acknowledged atomic.Int64
		replace := func(n int64) error {
			if err := put(tree, "/.a", fmt.Sprintf("%08d", n)); err != nil {
				return err
			}
			return tree.Rename("/.a", "/a")
		}
		if err := replace(0); err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		var readers, writer sync.WaitGroup
		writer.Go(func() {
			for n := int64(1); ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := replace(n); err != nil {
					t.Error(err)
					return
				}
				acknowledged.Store(n)
			}
		})
		for range 4 {
			readers.Go(func() {
				for range 2000 {
					least := acknowledged.Load()
					got, err := strconv.ParseInt(strings.TrimSpace(s.read(t, "/a")), 10, 64)
					if err != nil || got < least {
						t.Errorf("got %d, %v, after %d was acknowledged", got, err, least)
						return
					}
				}
			})
		}
		readers.Wait()
		close(stop)
		writer.Wait()
	}
}

// BenchmarkHitAfterAChange is BenchmarkHit if this process has changed another file since the last hit.
func BenchmarkHitAfterAChange(b *testing.B) { benchmarkHit(b, vfs.CountChange) }

// Files in the parts of a joined tree are confirmed after a change as those of a Root are, and so is what does not exist.
func TestFilesOfAJoinedTreeAreConfirmedAfterAChange(t *testing.T) {
	s := newFixture(t, &filecache.Cache{Valid: time.Hour, MaxBody: -1})
	s.write(t, "a", "one")
	other, err := vfs.Open(nettest.TempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	joined, err := vfs.Join(other, map[string]vfs.Tree{"/place": s.Tree})
	if err != nil {
		t.Fatal(err)
	}
	s.Tree = joined
	for range 3 {
		if got := s.read(t, "/place/a"); got != "one" {
			t.Errorf("got %q", got)
		}
		if _, err := s.Get("/place/none"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file that does not exist: %v", err)
		}
		root, err := s.Get("/")
		if err != nil {
			t.Fatal(err)
		}
		root.Release()
		vfs.CountChange()
	}
	if stats := s.Stats(); stats.Opens > 5 && runtime.GOOS == "linux" {
		t.Errorf("%d opens, want each name opened once, and the root, which has a place, once for each change", stats.Opens)
	}
	s.write(t, "none", "now")
	vfs.CountChange()
	if got := s.read(t, "/place/none"); got != "now" {
		t.Errorf("a file that has come: %q", got)
	}
}

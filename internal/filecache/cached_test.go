package filecache_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"sluice/internal/filecache"
	"sluice/internal/residence"
	"sluice/internal/vfs"
)

// Cached answers from memory, or by a call for an open file that is local. It opens nothing, and asks no other file system.
func TestCachedDoesNotWait(t *testing.T) {
	const wouldWait = "<would wait>"
	after := func(d time.Duration) func(*testing.T, *fixture) {
		return func(_ *testing.T, s *fixture) { s.pass(d) }
	}
	changed := func(*testing.T, *fixture) { vfs.CountChange() }
	for _, tt := range []struct {
		name   string
		where  residence.Residence
		body   int64 // as Cache.MaxBody
		path   string
		change func(*testing.T, *fixture)
		want   string
	}{
		{"a name that nobody has asked for", residence.Disk, 0, "/new", nil, wouldWait},
		{"a file in memory", residence.Remote, 0, "/a", nil, "one"},
		{"a file in memory that has expired", residence.Memory, 0, "/a", after(time.Second), wouldWait},
		{"a file on a disk", residence.Disk, -1, "/a", nil, "one"},
		{"a file on a disk that has expired", residence.Disk, -1, "/a", after(time.Second), wouldWait},
		{"a file on a disk that another process has changed", residence.Disk, -1, "/a", func(t *testing.T, s *fixture) { s.write(t, "a", "three") }, wouldWait},
		{"a file in a file system in memory", residence.Memory, -1, "/a", nil, "one"},
		{"a file on another machine", residence.Remote, -1, "/a", nil, wouldWait},
		{"a file that may be anywhere", residence.Unknown, -1, "/a", nil, wouldWait},
		{"a name that does not exist", residence.Remote, 0, "/missing", nil, "<none>"},
		{"a name that does not exist, after a change", residence.Disk, 0, "/missing", changed, wouldWait},
		{"a name that did not exist", residence.Disk, 0, "/missing", func(t *testing.T, s *fixture) {
			if err := put(s.Tree.(*vfs.Root).Writable(), "/missing", "two"); err != nil {
				t.Fatal(err)
			}
		}, wouldWait},
		{"a directory", residence.Disk, 0, "/", nil, "<dir>"},
		{"a directory on another machine", residence.Remote, 0, "/", nil, wouldWait},
		{"a file in memory on another machine, after a change", residence.Remote, 0, "/a", changed, wouldWait},
		{"a file on another machine, after a change", residence.Remote, -1, "/a", changed, wouldWait},
		{"a file on a disk, after a change", residence.Disk, -1, "/a", changed, "one"},
		{"a file in memory, after a change", residence.Disk, 0, "/a", changed, "one"},
		{"a file that this process has removed", residence.Disk, 0, "/a", func(t *testing.T, s *fixture) {
			skipOnWindows(t)
			if err := s.Tree.(*vfs.Root).Writable().Remove("/a"); err != nil {
				t.Fatal(err)
			}
		}, wouldWait},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer filecache.SetResidence(func(*os.File) residence.Residence { return tt.where })()
			s := newFixture(t, &filecache.Cache{MaxBody: tt.body})
			s.write(t, "a", "one")
			old := time.Now().Add(-time.Hour)
			if err := os.Chtimes(s.dir+"/a", old, old); err != nil {
				t.Fatal(err)
			}
			if tt.path != "/new" {
				s.read(t, tt.path)
			}
			if tt.change != nil {
				tt.change(t, s)
			}
			if _, err := vfs.Identify(s.Tree.(*vfs.Root), "/"); err != nil && strings.HasSuffix(tt.name, "after a change") {
				tt.want = wouldWait // this system cannot confirm an entry
			}
			opens := s.Stats().Opens
			f, err := s.Cached(tt.path, s.clock())
			got := ""
			switch {
			case errors.Is(err, filecache.ErrWouldWait):
				got = wouldWait
			case errors.Is(err, fs.ErrNotExist):
				got = "<none>"
			case err != nil:
				t.Fatal(err)
			default:
				got = content(t, f)
				f.Release()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if n := s.Stats().Opens; n != opens {
				t.Errorf("%d files were opened", n-opens)
			}
		})
	}
}

// A file of a tree that cannot confirm a name would have to be opened again after a change.
func TestCachedKnowsNothingOfAnAdapterAfterAChange(t *testing.T) {
	defer filecache.SetResidence(func(*os.File) residence.Residence { return residence.Disk })()
	s := newFixture(t, &filecache.Cache{Valid: time.Hour})
	s.write(t, "a", "one")
	s.Tree = vfs.Of(wrapped{s.Tree})
	s.read(t, "/a")
	f, err := s.Cached("/a", s.clock())
	if err != nil {
		t.Fatal(err)
	}
	f.Release()
	vfs.CountChange()
	if _, err := s.Cached("/a", s.clock()); !errors.Is(err, filecache.ErrWouldWait) {
		t.Errorf("got %v, want %v", err, filecache.ErrWouldWait)
	}
}

// wrapped is another type than the tree that it has.
type wrapped struct{ vfs.Tree }

//go:build unix

package filecache_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/internal/filecache"
	"sluice/internal/residence"
	"sluice/internal/vfs"
)

func TestAFileThatBecomesUnreadableIsNoticed(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	s := newFixture(t, &filecache.Cache{})
	s.write(t, "a", "one")
	s.read(t, "/a")
	if err := os.Chmod(filepath.Join(s.dir, "a"), 0); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Second)
	if _, err := s.Get("/a"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v, want %v", err, fs.ErrPermission)
	}
}

func TestAChangeOfModeIsSeen(t *testing.T) {
	s := newFixture(t, &filecache.Cache{})
	s.write(t, "a", "one")
	s.read(t, "/a")
	if err := os.Chmod(filepath.Join(s.dir, "a"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Second)
	f, err := s.Get("/a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	if got := f.Info.Mode(); got != 0o600 {
		t.Errorf("mode %v, want 0600", got)
	}
}

// A change that leaves the size and the time of modification is found by the time of
// change.
func TestTimesThatWereSetBackDoNotHideAChange(t *testing.T) {
	s := newFixture(t, &filecache.Cache{})
	s.write(t, "a", "one")
	s.read(t, "/a")
	path := filepath.Join(s.dir, "a")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s.overwrite(t, "a", "two")
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Second)
	if got := s.read(t, "/a"); got != "two" {
		t.Errorf("got %q, want two", got)
	}
}

func TestIdleFilesMakeRoomWhenDescriptorsRunOut(t *testing.T) {
	s := newFixture(t, &filecache.Cache{})
	for _, name := range []string{"a", "b", "c"} {
		s.write(t, name, name)
	}
	s.read(t, "/a")
	held, err := s.Get("/b")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()

	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	spare, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(spare)
	low := limit
	low.Cur = likeLimit(spare, limit.Cur) // the lowest free descriptor: none is below it
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	if got := s.read(t, "/c"); got != "c" {
		t.Errorf("got %q, want the content by the descriptor of an idle file", got)
	}
	if got := content(t, held); got != "b" {
		t.Errorf("the file in use gives %q", got)
	}
}

// likeLimit returns n in the type of a limit, which differs between systems.
func likeLimit[T int64 | uint64](n int, _ T) T { return T(n) }

// A descriptor that fails is replaced, although the file that has its name now looks the same.
func TestADescriptorThatFailsIsReplaced(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail func(f *filecache.File)
	}{
		{"fstat fails", func(f *filecache.File) { _ = f.File.Close() }},
		{"a read has failed", func(f *filecache.File) { f.Fail() }},
	} {
		for _, change := range []struct {
			name string
			do   func(s *fixture)
		}{
			{"at once", func(*fixture) {}},
			{"after a change by this process", func(*fixture) { vfs.CountChange() }},
			{"when it is no longer valid", func(s *fixture) { s.pass(time.Second) }},
		} {
			t.Run(tt.name+", "+change.name, func(t *testing.T) {
				defer filecache.SetResidence(func(*os.File) residence.Residence { return residence.Remote })()
				s := newFixture(t, &filecache.Cache{MaxBody: -1})
				s.write(t, "a", "one")
				before, err := s.Get("/a")
				if err != nil {
					t.Fatal(err)
				}
				defer before.Release()
				tt.fail(before)
				change.do(s)
				for range 2 {
					after, err := s.Get("/a")
					if err != nil {
						t.Fatal(err)
					}
					if after == before {
						t.Error("the descriptor is still used")
					}
					if _, err := after.File.Stat(); err != nil {
						t.Error(err)
					}
					after.Release()
				}
				if n := s.Stats().Opens; n != 2 {
					t.Errorf("%d opens, want 2", n)
				}
			})
		}
	}
}

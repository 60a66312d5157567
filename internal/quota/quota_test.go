package quota

import (
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

func TestErrorsSayWhatIsUsedAndFree(t *testing.T) {
	for _, tt := range []struct {
		err  Error
		want []string
	}{
		{Error{Reason: Bytes, Limit: 100, Used: 90, Free: 10}, []string{"quota", "100", "90", "10"}},
		{Error{Reason: Bytes, Limit: 100, TooLarge: true}, []string{"larger", "100"}},
		{Error{Reason: Files, Limit: 7, Used: 6, Free: 1}, []string{"files and directories", "7", "6", "1"}},
		{Error{Reason: Disk, Limit: 500, Free: 3}, []string{"disk", "500", "3"}},
		{Error{Reason: FileSize, Limit: 70, TooLarge: true}, []string{"larger", "70", "file"}},
		{Error{Reason: Counting}, []string{"counted", "try again"}},
	} {
		for _, word := range tt.want {
			if !strings.Contains(tt.err.Error(), word) {
				t.Errorf("%q lacks %q", tt.err.Error(), word)
			}
		}
	}
}

// sized is a file system with a disk of a known size.
type sized struct {
	vfs.Tree
	mu    sync.Mutex
	free  int64
	size  int64
	asked int
}

func (s *sized) Free(string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return s.free, nil
}

func (s *sized) Capacity(string) (int64, error) { return s.size, nil }

// take is what other programs and finished uploads take of the disk.
func (s *sized) take(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free -= n
}

// withDisk returns a volume on a disk that has so many bytes free, of 1000.
func withDisk(free int64, reserve Reserve) (*Volume, *sized) {
	disk := &sized{Tree: vfs.Of(afero.NewMemMapFs()), free: free, size: 1000}
	v := New(disk, reserve)
	v.tree = disk
	return v, disk
}

func wantDisk(t *testing.T, err error, free int64) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Reason != Disk || e.Free != free {
		t.Errorf("error %v, want one for the disk with %d bytes free", err, free)
	}
}

func TestTheReserveStaysFree(t *testing.T) {
	for _, reserve := range []Reserve{{Bytes: 100}, {Percent: 10}} {
		synctest.Test(t, func(t *testing.T) {
			v, disk := withDisk(300, reserve)
			s := SpaceIn(v, "", Limit{})
			_, err := s.Begin("/a", nil, 201)
			wantDisk(t, err, 200)
			a, err := s.Begin("/a", nil, 120)
			if err != nil {
				t.Fatal(err)
			}
			b, err := s.Begin("/b", nil, 0) // nothing of /a is on the disk yet
			if err != nil {
				t.Fatal(err)
			}
			wantDisk(t, b.Grow(81), 80)
			if n, err := b.Allow(0, 1000); n != 80 || err != nil {
				t.Errorf("%d bytes are allowed, %v, want 80", n, err)
			}
			if _, err := b.Allow(80, 10); err == nil {
				t.Error("more is allowed")
			}
			a.End() // nothing of it was written
			time.Sleep(diskInterval)
			if err := b.Grow(200); err != nil {
				t.Errorf("after the other upload has ended: %v", err)
			}
			disk.take(50)
			b.End()
			time.Sleep(diskInterval)
			_, err = s.Begin("/c", nil, 151)
			wantDisk(t, err, 150)
			if err := s.Fits("/", 151); err == nil {
				t.Error("151 bytes fit")
			}
			if got := s.Free("/", 250); got != 150 {
				t.Errorf("%d bytes are free, want 150", got)
			}
		})
	}
}

func TestADiskIsAskedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, disk := withDisk(1<<40, Reserve{Bytes: 100})
		s := SpaceIn(v, "", Limit{})
		h, err := s.Begin("/a", nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range int64(10000) { // in 2 s
			if _, err := h.Allow(i<<18, 1<<18); err != nil {
				t.Fatal(err)
			}
			time.Sleep(200 * time.Microsecond)
		}
		if disk.asked > 12 {
			t.Errorf("the system was asked %d times", disk.asked)
		}
	})
}

func TestUploadsAtOnceNeverTakeTheReserve(t *testing.T) {
	v, _ := withDisk(100_000, Reserve{Bytes: 1})
	s := SpaceIn(v, "", Limit{})
	var all sync.WaitGroup
	var mu sync.Mutex
	total := int64(0)
	for range 8 {
		all.Go(func() {
			h, err := s.Begin("/a", nil, 0)
			if err != nil {
				t.Error(err)
				return
			}
			for at := int64(0); ; {
				n, err := h.Allow(at, 700)
				mu.Lock()
				total += int64(n)
				mu.Unlock()
				if at += int64(n); err != nil {
					return
				}
			}
		})
	}
	all.Wait()
	if total != 99_999 {
		t.Errorf("%d bytes were allowed, want 99999", total)
	}
}

func TestAnUnknownDiskHasNoReserve(t *testing.T) {
	s := SpaceIn(New(afero.NewMemMapFs(), Reserve{Percent: 5}), "", Limit{})
	h, err := s.Begin("/a", nil, 1<<40)
	if err != nil {
		t.Error(err)
	}
	h.End()
}

func TestWithoutASpaceNothingIsBound(t *testing.T) {
	var v *Volume
	s := SpaceIn(v, "/a", Limit{Bytes: 1})
	h, err := s.Begin("/f", nil, 5)
	if s != nil || h != nil || err != nil {
		t.Fatalf("%v, %v, %v", s, h, err)
	}
	n, err := h.Allow(0, 7)
	if n != 7 || err != nil || h.Grow(9) != nil || s.Free("/", 3) != 3 || !s.Usage().HasNoLimits {
		t.Error("something is bound")
	}
	h.End()
	v.Recount()
	v.Close()
}

func TestHomesAreFoundByTheirDirectories(t *testing.T) {
	root, err := vfs.Open(nettest.TempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	tree := root.Writable()
	for _, err := range []error{
		tree.MkdirAll("/data/alice", 0o755), tree.Symlink("/data/alice", "/alice"), tree.Symlink("/alice", "/again"),
		tree.Symlink("/loop2", "/loop"), tree.Symlink("/loop", "/loop2"),
	} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	v := New(tree, Reserve{})
	limit := Limit{Bytes: 10}
	if a, b, c := SpaceIn(v, "/alice", limit), SpaceIn(v, "/data/alice/", limit), SpaceIn(v, "again", limit); a != b || b != c {
		t.Error("one directory has several counts")
	}
	for name, want := range map[string]string{
		"/": "/", "/missing/x": "/missing/x", "/alice/x": "/data/alice/x",
	} {
		if got := v.resolve(name); got != want {
			t.Errorf("%s resolves to %s, want %s", name, got, want)
		}
	}
	v.resolve("/loop/x") // ends
	Settle(v)
}

// withQuota returns the space of the whole of a file system with a file /f of 6 bytes.
func withQuota(t *testing.T, limit Limit) (*Space, fs.FileInfo) {
	t.Helper()
	files := afero.NewMemMapFs()
	if err := afero.WriteFile(files, "/f", []byte("123456"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := SpaceIn(New(files, Reserve{}), "", limit)
	if err := s.Ready(); err != nil {
		t.Fatal(err)
	}
	info, err := files.Stat("/f")
	if err != nil {
		t.Fatal(err)
	}
	return s, info
}

// The next upload to a file may begin before the one before it has been counted at its end.
func TestAFileCountsOnceIfUploadsFollowEachOther(t *testing.T) {
	s, info := withQuota(t, Limit{Bytes: 100})
	one, err := s.Adopt("/f", info.Size(), "/f", nil)
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.Adopt("/f", info.Size(), "/f", nil)
	if err != nil {
		t.Fatal(err)
	}
	one.End()
	if got := s.Usage(); got.Bytes != 6 || got.Files != 1 {
		t.Errorf("%d bytes and %d files are counted during the second upload, want 6 and 1", got.Bytes, got.Files)
	}
	two.End()
	two.End() // does nothing
	if got := s.Usage(); got.Bytes != 6 || got.Files != 1 {
		t.Errorf("%d bytes and %d files are counted, want 6 and 1", got.Bytes, got.Files)
	}
}

// The room of a file that is being replaced is not free before the new file is there: the
// upload may break off.
func TestTheRoomOfAReplacedFileIsNotFreeForOthers(t *testing.T) {
	s, info := withQuota(t, Limit{Bytes: 10})
	h, err := s.Begin("/f", info, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin("/g", nil, 5); err == nil {
		t.Error("5 bytes more are allowed, where 4 are free")
	}
	if err := h.Grow(10); err != nil {
		t.Errorf("a file of 10 bytes in place of one of 6: %v", err)
	}
	if err := h.Grow(11); err == nil {
		t.Error("a file of 11 bytes is allowed")
	}
	if _, err := s.Begin("/g", nil, 1); err == nil {
		t.Error("another file is allowed")
	}
	h.End()
	if got := s.Usage(); got.Bytes != 6 || got.FreeBytes != 4 {
		t.Errorf("%d bytes are counted and %d free, want 6 and 4", got.Bytes, got.FreeBytes)
	}
}

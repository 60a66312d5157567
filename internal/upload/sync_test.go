package upload_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// badDisk is a tree in which some syncs of files fail.
type badDisk struct {
	vfs.Tree
	fails  int                // how many of the next syncs fail
	before func(f afero.File) // called before each failing sync; may be nil
}

type badFile struct {
	afero.File
	disk *badDisk
}

func (d *badDisk) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	f, err := d.Tree.OpenFile(name, flag, perm)
	if err != nil || flag&(os.O_WRONLY|os.O_RDWR) == 0 {
		return f, err
	}
	return &badFile{f, d}, nil
}

func (f *badFile) Sync() error {
	if f.disk.fails == 0 {
		return f.File.Sync()
	}
	f.disk.fails--
	if f.disk.before != nil {
		f.disk.before(f.File)
	}
	return errFault
}

// After a failed sync the kernel may mark the lost pages as clean, and a second sync would succeed.
func TestNothingIsKeptAfterAFailedSync(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(u *upload.Upload, size int64) (int64, error)
	}{
		{"of a complete upload", func(u *upload.Upload, size int64) (int64, error) { return u.Commit(size, nil) }},
		{"of a failed upload", func(u *upload.Upload, size int64) (int64, error) { return u.Abort(size, errFault), errFault }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			disk := &badDisk{Tree: rootOf(t, map[string]string{"f": "old"}), fails: 1}
			var s upload.Store
			u, err := s.Create(target(disk))
			if err != nil {
				t.Fatal(err)
			}
			size := write(t, u, pattern(0, 2*upload.MinKept))
			if kept, err := tt.end(u, size); kept != 0 || !errors.Is(err, errFault) {
				t.Errorf("%d bytes are kept, %v", kept, err)
			}
			wantHidden(t, disk, 0)
			if got := content(t, disk, "/f"); got != "old" {
				t.Errorf("the file is %q", got)
			}
		})
	}
}

func TestAppendIsUndoneIfItsSyncFails(t *testing.T) {
	old := pattern(0, 3*upload.LastBlock/2)
	for _, tt := range []struct {
		name      string
		fails     int
		before    func(f afero.File)
		uncertain bool
	}{
		{"and the undo is synced", 1, nil, false},
		{"and the undo cannot be synced", 2, nil, true},
		{"unless another program has appended", 1, func(f afero.File) { _, _ = f.WriteAt([]byte("other"), int64(len(old)+len("more"))) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			disk := &badDisk{Tree: rootOf(t, map[string]string{"f": old}), fails: tt.fails, before: tt.before}
			var s upload.Store
			u, err := s.Append(target(disk))
			if err != nil {
				t.Fatal(err)
			}
			_, err = u.Commit(write(t, u, "more"), nil)
			if !errors.Is(err, errFault) || errors.Is(err, upload.ErrUncertain) != tt.uncertain {
				t.Errorf("got %v; want ErrUncertain: %t", err, tt.uncertain)
			}
			want := old
			if tt.before != nil {
				want = old + "moreother"
			}
			if got := content(t, disk, "/f"); got != want {
				t.Errorf("the file has %d bytes, want %d", len(got), len(want))
			}
		})
	}
}

// If the bytes were not synced, their loss could fail the sync of the next upload.
func TestBytesOfAFailedAppendAreSynced(t *testing.T) {
	const old = "old"
	for _, tt := range []struct {
		name      string
		inPlace   bool
		fails     int
		want      string
		uncertain bool
	}{
		{"synced bytes stay", false, 0, old + "more", false},
		{"other bytes are removed", false, 1, old, false},
		{"unless that fails too", false, 2, old, true},
		{"bytes in place of old ones cannot be removed", true, 1, "more", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			disk := &badDisk{Tree: rootOf(t, map[string]string{"f": old}), fails: tt.fails}
			var s upload.Store
			to := target(disk)
			to.InPlace = tt.inPlace
			begin := s.Append
			if tt.inPlace {
				begin = s.Create
			}
			u, err := begin(to)
			if err != nil {
				t.Fatal(err)
			}
			u.Abort(write(t, u, "more"), io.ErrUnexpectedEOF)
			if err := u.Uncertain(); errors.Is(err, upload.ErrUncertain) != tt.uncertain || err != nil && !tt.uncertain {
				t.Errorf("got %v; want ErrUncertain: %t", err, tt.uncertain)
			}
			if disk.fails != 0 {
				t.Errorf("%d syncs were not made", disk.fails)
			}
			if got := content(t, disk, "/f"); got != tt.want {
				t.Errorf("the file is %q, want %q", got, tt.want)
			}
		})
	}
}

// The disk may have lost the last old block in the failed sync.
func TestLastOldBlockIsWrittenAgain(t *testing.T) {
	old := pattern(0, 3*upload.LastBlock/2)
	disk := &recorder{badDisk: badDisk{Tree: rootOf(t, map[string]string{"f": old}), fails: 1}}
	var s upload.Store
	u, err := s.Append(target(disk))
	if err != nil {
		t.Fatal(err)
	}
	size := write(t, u, "more")
	disk.writes = nil
	if _, err := u.Commit(size, nil); !errors.Is(err, errFault) {
		t.Fatal(err)
	}
	want := int64(len(old)) - upload.LastBlock
	if len(disk.writes) != 1 || disk.writes[0].off != want || disk.writes[0].data != old[want:] {
		t.Errorf("%d writes, want the last %d old bytes once", len(disk.writes), upload.LastBlock)
	}
}

// recorder is a badDisk that records calls of WriteAt.
type recorder struct {
	badDisk
	writes []struct {
		off  int64
		data string
	}
}

type recordedFile struct {
	afero.File
	disk *recorder
}

func (r *recorder) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	f, err := r.badDisk.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &recordedFile{f, r}, nil
}

func (f *recordedFile) WriteAt(p []byte, off int64) (int, error) {
	f.disk.writes = append(f.disk.writes, struct {
		off  int64
		data string
	}{off, string(p)})
	return f.File.WriteAt(p, off)
}

package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/durable"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// tree returns a tree on the disk with the file d/f.
func tree(t *testing.T) *vfs.Root {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("directories cannot be synced on Windows")
	}
	dir := nettest.TempDir(t)
	err := os.Mkdir(filepath.Join(dir, "d"), 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "d", "f"), []byte("content"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root.Writable()
}

// counter counts the syncs that a Policy reports.
type counter struct {
	mu          sync.Mutex
	files, dirs int
	err         error
}

func (c *counter) policy(level durable.Level) durable.Policy {
	return durable.Policy{Level: level, OnSync: func(s durable.SyncResult) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if s.Directory {
			c.dirs++
		} else {
			c.files++
		}
		c.err = errors.Join(c.err, s.Err)
	}}
}

func TestLevels(t *testing.T) {
	for _, tt := range []struct {
		level             durable.Level
		do                string
		files, dirs       int // when the call returns
		allFiles, allDirs int // after Flush
	}{
		{durable.Full, "file", 1, 0, 1, 0},
		{durable.Full, "added", 0, 1, 0, 1},
		{durable.Full, "added in two directories", 0, 2, 0, 2},
		{durable.Full, "added twice in one directory", 0, 1, 0, 1},
		{durable.Full, "removed", 0, 0, 0, 1},
		{durable.Full, "removed twice", 0, 0, 0, 1},
		{durable.Full, "changed", 0, 0, 1, 0},
		{durable.Strict, "file", 1, 0, 1, 0},
		{durable.Strict, "added", 0, 1, 0, 1},
		{durable.Strict, "removed", 0, 1, 0, 1},
		{durable.Strict, "changed", 1, 0, 1, 0},
		{durable.Rename, "file", 1, 0, 1, 0},
		{durable.Rename, "added", 0, 0, 0, 0},
		{durable.Rename, "removed", 0, 0, 0, 0},
		{durable.Rename, "changed", 0, 0, 0, 0},
		{durable.None, "file", 0, 0, 0, 0},
		{durable.None, "added", 0, 0, 0, 0},
		{durable.None, "removed", 0, 0, 0, 0},
		{durable.None, "changed", 0, 0, 0, 0},
	} {
		t.Run(tt.level.String()+"/"+tt.do, func(t *testing.T) {
			root := tree(t)
			var c counter
			var s durable.Syncer
			p := c.policy(tt.level)
			err := map[string]func() error{
				"file":                         func() error { return s.SyncFile(p, func() error { return nil }) },
				"added":                        func() error { return s.SyncAdded(p, root, "/d/f") },
				"added in two directories":     func() error { return s.SyncAdded(p, root, "/d/f", "/g") },
				"added twice in one directory": func() error { return s.SyncAdded(p, root, "/d/f", "/d/g") },
				"removed":                      func() error { return s.SyncRemoved(p, root, "/d/gone") },
				"removed twice": func() error {
					return errors.Join(s.SyncRemoved(p, root, "/d/gone"), s.SyncRemoved(p, root, "/d/other"))
				},
				"changed": func() error { return s.SyncChanged(p, root, "/d/f") },
			}[tt.do]()
			if err != nil || c.files != tt.files || c.dirs != tt.dirs {
				t.Errorf("%d files and %d directories were synced at once, %v; want %d and %d", c.files, c.dirs, err, tt.files, tt.dirs)
			}
			s.Flush()
			if c.files != tt.allFiles || c.dirs != tt.allDirs {
				t.Errorf("%d files and %d directories were synced in all, want %d and %d", c.files, c.dirs, tt.allFiles, tt.allDirs)
			}
		})
	}
}

func TestDelayedSyncsHappenWithinASecond(t *testing.T) {
	root := tree(t)
	synctest.Test(t, func(t *testing.T) {
		var c counter
		var s durable.Syncer
		if err := s.SyncRemoved(c.policy(durable.Full), root, "/d/gone"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // in the fake time of synctest
		synctest.Wait()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.dirs != 1 {
			t.Errorf("%d directories were synced, want 1", c.dirs)
		}
	})
}

func TestTooManyDelayedSyncsHappenAtOnce(t *testing.T) {
	root := tree(t)
	for i := range durable.MaxWaiting {
		if err := root.Mkdir("/d"+string(rune('A'+i)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		var c counter
		var s durable.Syncer
		for i := range durable.MaxWaiting {
			if err := s.SyncRemoved(c.policy(durable.Full), root, "/d"+string(rune('A'+i))+"/gone"); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait() // without any time passing
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.dirs != durable.MaxWaiting {
			t.Errorf("%d directories were synced, want %d", c.dirs, durable.MaxWaiting)
		}
	})
}

// unreadable is a tree in which the directory d may be searched but not read.
type unreadable struct{ vfs.Tree }

func (u unreadable) Open(name string) (afero.File, error) {
	if name == "/d" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return u.Tree.Open(name)
}

func TestUnreadableDirectoryIsSyncedWithItsFileSystem(t *testing.T) {
	var c counter
	var s durable.Syncer
	if err := s.SyncAdded(c.policy(durable.Full), unreadable{tree(t)}, "/d/f"); err != nil || c.dirs != 1 {
		t.Errorf("%d syncs, %v; want 1", c.dirs, err)
	}
}

func TestRemovedDirectoryNeedsNoSync(t *testing.T) {
	var c counter
	var s durable.Syncer
	if err := s.SyncAdded(c.policy(durable.Full), tree(t), "/gone/f"); err != nil || c.dirs != 0 {
		t.Errorf("%d syncs, %v; want none", c.dirs, err)
	}
}

// A directory is synced some time after a file was removed from it, and may be removed in between. FUSE (ENOENT) and NFS
// (ESTALE) cannot sync it then.
func TestSyncOfARemovedDirectoryIsNoFailure(t *testing.T) {
	for _, err := range []error{syscall.ENOENT, syscall.ESTALE} {
		if got := durable.IgnoreRemoved(func() error { return &fs.PathError{Op: "sync", Path: "d", Err: err} })(); got != nil {
			t.Errorf("%v: got %v, want nil", err, got)
		}
	}
	if got := durable.IgnoreRemoved(func() error { return syscall.EIO })(); !errors.Is(got, syscall.EIO) {
		t.Errorf("EIO: got %v", got)
	}
}

func TestFileSystemInMemoryIsNotSynced(t *testing.T) {
	var c counter
	var s durable.Syncer
	mem := vfs.Of(afero.NewMemMapFs())
	if err := s.SyncAdded(c.policy(durable.Strict), mem, "/f"); err != nil || c.dirs != 0 {
		t.Errorf("%d syncs, %v; want none", c.dirs, err)
	}
	if durable.Supported(mem) {
		t.Error("Supported is true for a file system in memory")
	}
	if !durable.Supported(tree(t)) {
		t.Error("Supported is false for a disk")
	}
}

func TestFailuresAreReportedUnlessSyncIsUnsupported(t *testing.T) {
	broken := errors.New("disk is broken")
	for _, tt := range []struct{ fails, want error }{
		{nil, nil},
		{broken, broken},
		{&fs.PathError{Op: "sync", Err: errors.ErrUnsupported}, nil},
		{&fs.PathError{Op: "sync", Err: errInvalid}, nil},
	} {
		var c counter
		var s durable.Syncer
		err := s.SyncFile(c.policy(durable.Full), func() error { return tt.fails })
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) || !errors.Is(c.err, tt.want) {
			t.Errorf("after %v: got %v, and OnSync got %v; want %v", tt.fails, err, c.err, tt.want)
		}
	}
}

func TestLevelsAsText(t *testing.T) {
	for _, want := range []durable.Level{durable.Full, durable.Strict, durable.Rename, durable.None} {
		text, _ := want.MarshalText()
		got := durable.Level(-1)
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Errorf("%s reads as %v, %v", text, got, err)
		}
	}
	if err := new(durable.Level).UnmarshalText([]byte("fsync")); err == nil {
		t.Error("the level fsync was accepted")
	}
	if got := durable.Level(9).String(); got != "Level(9)" {
		t.Errorf("got %q", got)
	}
}

package filecache_test

import (
	"errors"
	"io"
	"io/fs"
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

// counting counts the opens in a file system, without those of its root.
type counting struct {
	afero.Fs
	opens atomic.Int64
}

func (c *counting) Open(name string) (afero.File, error) {
	if name != "/" && name != "." {
		c.opens.Add(1)
	}
	return c.Fs.Open(name)
}

// Files of the operating system are shared and kept, also inside wrappers; of others
// each Get has one of its own.
func TestOnlyFilesOfTheSystemAreKept(t *testing.T) {
	files := map[string]string{"big": string(make([]byte, 100_000)), "small": "content"}
	for _, kind := range nettest.FileSystems(t, files, time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)) {
		t.Run(kind.Name, func(t *testing.T) {
			counted := &counting{Fs: kind.FS}
			cache := &filecache.Cache{Tree: vfs.Of(counted), Valid: time.Hour}
			defer cache.Close()
			for name, content := range files {
				before := counted.opens.Load()
				var wg sync.WaitGroup
				for range 10 { // at the same time
					wg.Go(func() {
						f, err := cache.Get("/" + name)
						if err != nil {
							t.Error(err)
							return
						}
						defer f.Release()
						got, err := io.ReadAll(io.NewSectionReader(f.File, 0, f.Info.Size()))
						if err != nil || string(got) != content {
							t.Errorf("%s: got %d other bytes, %v", name, len(got), err)
						}
						if f.Body != nil && string(f.Body) != content {
							t.Errorf("%s: the cache holds %d other bytes", name, len(f.Body))
						}
					})
				}
				wg.Wait()
				opens, hit := counted.opens.Load()-before, cache.Hit("/"+name, time.Now())
				if hit != nil {
					hit.Release()
				}
				if kind.Real && (opens != 1 || hit == nil) || !kind.Real && (opens != 10 || hit != nil) {
					t.Errorf("%s: opened %d times for ten, kept %v", name, opens, hit != nil)
				}
			}
			if _, err := cache.Get("/none"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v for a name that does not exist", err)
			}
			if !kind.Writable {
				return
			}
			made, err := vfs.Of(kind.FS).Create("/none")
			if err != nil {
				t.Fatal(err)
			}
			_ = made.Close()
			if f, err := cache.Get("/none"); err != nil {
				t.Errorf("a file that has come to be is not seen: %v", err)
			} else {
				f.Release()
			}
		})
	}
}

// stuck is a file system in which the first Open of a file waits, and then returns the
// state at its beginning.
type stuck struct {
	afero.Fs
	calls   atomic.Int64
	entered chan struct{}
	leave   chan struct{}
}

func (s *stuck) Open(name string) (afero.File, error) {
	f, err := s.Fs.Open(name)
	if name == "/f" && s.calls.Add(1) == 1 {
		close(s.entered)
		<-s.leave
	}
	return f, err
}

func (s *stuck) Stat(name string) (fs.FileInfo, error) {
	if name == "/f" && s.calls.Load() == 0 { // it exists, so that Open is called
		return s.Fs.Stat("/there")
	}
	return s.Fs.Stat(name)
}

// A Get sees a file that was written before it began, even if another Get began earlier.
func TestANewFileIsSeenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := afero.NewMemMapFs()
		write := func(name string) {
			if err := afero.WriteFile(memory, name, []byte("content"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		write("/there")
		fsys := &stuck{Fs: memory, entered: make(chan struct{}), leave: make(chan struct{})}
		cache := &filecache.Cache{Tree: vfs.Of(fsys)}
		defer cache.Close()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := cache.Get("/f"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("before it is written: %v, want %v", err, fs.ErrNotExist)
			}
		})
		<-fsys.entered
		write("/f")
		wg.Go(func() {
			f, err := cache.Get("/f")
			if err != nil {
				t.Errorf("after it is written: %v", err)
				return
			}
			f.Release()
		})
		synctest.Wait()
		close(fsys.leave)
		wg.Wait()
	})
}

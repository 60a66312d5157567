package vfs

import (
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/mounts"
)

// hanging is a file system whose Open waits for release if the name is /f.
type hanging struct {
	afero.Fs
	release chan struct{}
}

func (h *hanging) Open(name string) (afero.File, error) {
	if name == "/f" {
		<-h.release
	}
	return h.Fs.Open(name)
}

// counted counts calls of Close, which panics.
type counted struct {
	afero.File
	closed *int
}

func (c counted) Close() error {
	*c.closed++
	_ = c.File.Close()
	panic("a mistake in the program")
}

func TestHangingOpenIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := afero.NewMemMapFs()
		if err := afero.WriteFile(memory, "/f", []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		h := &hanging{memory, make(chan struct{})}
		tree := Of(h)
		if _, err := tree.Stat("f"); err != nil { // Stat does not hang
			t.Fatal(err)
		}
		for range mounts.Limit {
			begin := time.Now()
			if _, err := tree.Open("f"); !errors.Is(err, ErrNotResponding) || time.Since(begin) != hangAfter {
				t.Fatalf("got %v after %v, want %v after %v", err, time.Since(begin), ErrNotResponding, hangAfter)
			}
		}
		_, _ = tree.Stat("f") // after a while it is refused
		begin := time.Now()
		if _, err := tree.Stat("f"); !errors.Is(err, ErrNotResponding) || time.Since(begin) != 0 {
			t.Errorf("got %v after %v, want %v at once, because too many calls hang", err, time.Since(begin), ErrNotResponding)
		}
		close(h.release)
		synctest.Wait()
		if f, err := tree.Open("f"); err != nil {
			t.Errorf("got %v, want the file, because calls return again", err)
		} else {
			_ = f.Close()
		}
		if n := tree.(*adapter).calls.mount.State().Inside; n != 0 {
			t.Errorf("%d calls count as hung, want none", n)
		}
	})
}

func TestFileOpenedTooLateIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := 0
		release := make(chan struct{})
		_, err := callWithLimit(&callLimiter{limit: time.Second}, func() (afero.File, error) {
			<-release
			return counted{File: memoryFile(t), closed: &closed}, nil
		}, func(f afero.File) { _ = f.Close() })
		if !errors.Is(err, ErrNotResponding) {
			t.Fatal(err)
		}
		close(release)
		synctest.Wait()
		if closed != 1 {
			t.Errorf("closed %d times, want once", closed)
		}
	})
}

func memoryFile(t *testing.T) afero.File {
	f, err := afero.NewMemMapFs().Create("/f")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var _ fs.FileInfo = (*fileInfo)(nil)

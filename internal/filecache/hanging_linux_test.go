package filecache_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"sluice/internal/filecache"
	"sluice/internal/nettest"
	"sluice/internal/residence"
	"sluice/internal/vfs"
)

// A mount whose server no longer answers delays neither Cached nor the removal of its entries.
func TestAHangingMountDelaysNobody(t *testing.T) {
	s := newFixture(t, &filecache.Cache{Valid: time.Hour})
	s.write(t, "local", "one")
	mount := nettest.MountFUSE(t, filepath.Join(s.dir, "mnt"))
	s.read(t, "/local")
	f, err := s.Get("/mnt/file")
	if err != nil {
		t.Fatal(err)
	}
	if f.Residence != residence.Remote {
		t.Errorf("the file is in %v, want remote", f.Residence)
	}
	mount.HangAll()
	soon := func(what string, do func()) {
		t.Helper()
		done := make(chan struct{})
		go func() { defer close(done); do() }()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatal(what, "hangs")
		}
	}
	for range 2 {
		soon("Cached", func() {
			if _, err := s.Cached("/mnt/file", s.clock()); !errors.Is(err, filecache.ErrWouldWait) {
				t.Errorf("got %v, want %v", err, filecache.ErrWouldWait)
			}
			local, err := s.Cached("/local", s.clock())
			if err != nil {
				t.Error(err)
				return
			}
			local.Release()
		})
		vfs.CountChange()
	}
	soon("Release", f.Release)
	soon("Close", func() { _ = s.Close() })
}

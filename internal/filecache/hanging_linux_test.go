package filecache_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/internal/filecache"
	"sluice/internal/residence"
	"sluice/internal/vfs"
)

// A mount whose server no longer answers delays neither Cached nor the removal of its entries.
func TestAHangingMountDelaysNobody(t *testing.T) {
	s := newFixture(t, &filecache.Cache{Valid: time.Hour})
	s.write(t, "local", "one")
	hang := mountFUSE(t, filepath.Join(s.dir, "mnt"))
	s.read(t, "/local")
	f, err := s.Get("/mnt/file")
	if err != nil {
		t.Fatal(err)
	}
	if f.Residence != residence.Remote {
		t.Errorf("the file is in %v, want remote", f.Residence)
	}
	hang()
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

// mountFUSE mounts a file system with one file, called file, at dir. After hang its server answers no request until the
// test ends.
func mountFUSE(t *testing.T, dir string) (hang func()) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may mount")
	}
	device, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("no FUSE:", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", device)
	if err := unix.Mount("test", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		_ = unix.Close(device)
		t.Skip("no mount:", err)
	}
	var hangs atomic.Bool
	served := make(chan struct{})
	go func() {
		defer close(served)
		request := make([]byte, 1<<20)
		for {
			n, err := unix.Read(device, request)
			switch {
			case err == unix.EINTR || err == unix.ENOENT: // interrupted
			case err != nil: // ENODEV: unmounted
				return
			case !hangs.Load():
				if answer := answerFUSE(request[:n]); answer != nil {
					_, _ = unix.Write(device, answer)
				}
			}
		}
	}()
	t.Cleanup(func() {
		_ = unix.Unmount(dir, unix.MNT_FORCE) // ends the calls that hang
		_ = unix.Unmount(dir, unix.MNT_DETACH)
		<-served
		_ = unix.Close(device)
	})
	return func() { hangs.Store(true) }
}

// answerFUSE answers a request as include/uapi/linux/fuse.h describes it; nil: it has no answer.
func answerFUSE(request []byte) []byte {
	const (
		lookup, forget, getattr, statfs, open, release, flush, start, opendir, releasedir = 1, 2, 3, 17, 14, 18, 25, 26, 27, 29

		root = 1 // a node
	)
	le := binary.LittleEndian
	attr := func(node uint64) []byte {
		b := le.AppendUint64(nil, node)
		b = le.AppendUint64(b, 100_000) // the size
		b = append(b, make([]byte, 4*8+3*4)...)
		mode := uint32(unix.S_IFREG | 0o644)
		if node == root {
			mode = unix.S_IFDIR | 0o755
		}
		b = le.AppendUint32(b, mode)
		b = le.AppendUint32(b, 1) // links
		return append(b, make([]byte, 5*4)...)
	}
	var body []byte
	errno := unix.Errno(0)
	switch opcode := le.Uint32(request[4:]); opcode {
	case start:
		body = make([]byte, 64)
		le.PutUint32(body, 7)
		le.PutUint32(body[4:], 31)
		le.PutUint32(body[20:], 64<<10) // the longest write
	case lookup:
		if string(request[40:]) != "file\x00" {
			errno = unix.ENOENT
			break
		}
		const node = root + 1
		body = append(le.AppendUint64(nil, node), make([]byte, 32)...) // with a validity of 0 s
		body = append(body, attr(node)...)
	case getattr:
		body = append(make([]byte, 16), attr(le.Uint64(request[16:]))...)
	case open, opendir:
		body = make([]byte, 16)
	case statfs:
		body = make([]byte, 80)
	case flush, release, releasedir:
	case forget:
		return nil
	default:
		errno = unix.ENOSYS
	}
	answer := le.AppendUint32(nil, uint32(16+len(body)))
	answer = le.AppendUint32(answer, uint32(-int32(errno)))
	answer = append(answer, request[8:16]...)
	return append(answer, body...)
}

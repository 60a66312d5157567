package methods

import (
	"errors"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// dropPages takes the pages of f, which must be synced, out of the page cache,
// and returns how much processor time that took.
func dropPages(f *os.File) (time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer runtime.KeepAlive(f)
	before := threadTime()
	err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	return threadTime() - before, os.NewSyscallError("fadvise", err)
}

func threadTime() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) // cannot fail with these arguments
	return time.Duration(ts.Nano())
}

// canDrop returns why the pages of files in dir cannot be dropped, or nil. Those
// of tmpfs cannot: they are the file.
func canDrop(dir string) error {
	f, err := os.CreateTemp(dir, "sluice-cold-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	size := os.Getpagesize()
	if _, err := f.Write(make([]byte, size)); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if _, err := dropPages(f); err != nil {
		return err
	}
	p, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	defer func() { _ = unix.Munmap(p) }()
	var resident [1]byte
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&p[0])), uintptr(size), uintptr(unsafe.Pointer(&resident))); errno != 0 {
		return os.NewSyscallError("mincore", errno)
	}
	if resident[0]&1 != 0 {
		return errors.New("its file system keeps files in memory")
	}
	return nil
}

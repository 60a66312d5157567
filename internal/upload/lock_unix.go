//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package upload

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// lock locks f until unlock is called or the process ends; closing f does not unlock it. The error is errLocked if another
// descriptor has the lock, and [errors.ErrUnsupported] if the file system has no locks.
func lock(f *os.File) (unlock func(), err error) {
	// A duplicated descriptor keeps the lock when f is closed (flock(2)).
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	runtime.KeepAlive(f)
	if err != nil {
		return nil, err
	}
	switch err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); {
	case err == nil:
		return func() { _ = unix.Close(fd) }, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		_ = unix.Close(fd)
		return nil, errLocked
	}
	_ = unix.Close(fd)
	return nil, errors.ErrUnsupported // some network file systems
}

//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package upload

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// lock takes the lock of f, which ends with the process at the latest, and returns how to give it back, also after f
// is closed. The error is errLocked if another has it, and [errors.ErrUnsupported] where there are no locks.
func lock(f *os.File) (unlock func(), err error) {
	// A descriptor of the same open file keeps the lock when f is closed (flock(2)).
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
	return nil, errors.ErrUnsupported // as some file systems on a network
}

//go:build unix

package vfs

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// openFlags keep an open from waiting for the other end of a FIFO, and from acquiring a controlling terminal.
const openFlags = unix.O_NONBLOCK | unix.O_NOCTTY

// newFile returns fd, which was opened with flag and openFlags, as a file called name. It takes ownership of fd. The error
// is ErrSpecial if fd is not a regular file or a directory.
func newFile(fd int, name string, flag int) (*os.File, error) {
	err := checkAndSetFlags(fd, flag)
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// checkAndSetFlags refuses special files and clears O_NONBLOCK of others.
//
// With O_NONBLOCK os.NewFile would add the descriptor to the poller. epoll refuses files on a disk, and this call costs
// more than fcntl (2.6 against 2.3 µs for open and close). It would accept FUSE files, and kqueue all files, and a read
// could wait for an event that never comes. F_SETFL ignores bits of flag that are not status flags.
func checkAndSetFlags(fd, flag int) error {
	var st unix.Stat_t
	if err := retryEINTR(func() error { return unix.Fstat(fd, &st) }); err != nil {
		return err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFDIR:
	default:
		return ErrSpecial
	}
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, flag&^openFlags)
	return err
}

// reopen returns a duplicate of f, called name. The caller still closes f.
func reopen(f *os.File, name string, flag int) (*os.File, error) {
	fd, err := duplicate(f.Fd())
	runtime.KeepAlive(f)
	if err != nil {
		return nil, err
	}
	return newFile(fd, name, flag)
}

// specialError returns ErrSpecial if err is the error of opening a special file, and else err.
func specialError(err error) error {
	switch {
	case errors.Is(err, unix.ENXIO): // a FIFO without a reader opened for writing; on Linux a socket
	case errors.Is(err, unix.ENODEV): // a device file without a device
	case errors.Is(err, unix.EOPNOTSUPP) && runtime.GOOS != "linux": // a socket, on the BSDs and macOS
	default:
		return err
	}
	return ErrSpecial
}

// retryEINTR calls f until its error is not EINTR. FUSE and NFS mounts may return that, even for fstat, when the Go runtime
// preempts a goroutine by a signal.
func retryEINTR(f func() error) error {
	for {
		if err := f(); err != unix.EINTR { //nolint:errorlint // a system call's bare errno
			return err
		}
	}
}

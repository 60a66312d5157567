//go:build unix

package vfs

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// openFlags keep an open from waiting for the other end of a FIFO, and from making a terminal ours.
const openFlags = unix.O_NONBLOCK | unix.O_NOCTTY

// newFile makes fd, which was opened with flag and openFlags, the file called name. It takes fd over: when it is
// not a regular file or a directory, or on any other error, it is closed.
func newFile(fd int, name string, flag int) (*os.File, error) {
	err := checkAndSetFlags(fd, flag)
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// checkAndSetFlags refuses special files and gives the others the flags that were asked for, without O_NONBLOCK.
//
// With O_NONBLOCK os.NewFile would offer the descriptor to the poller. epoll refuses a file on a disk, so that is
// one system call as well, and a dearer one than fcntl (an open and close took 2.6 against 2.3 µs). FUSE files, and
// all files under kqueue, would be accepted, to wait in the poller for what may never be announced.
// The kernel masks out of flag what is not a status flag, so there is no need to ask for the old value.
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

// specialError tells the errors by which an open gives away a special file.
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

// retryEINTR calls f until it is not interrupted. A FUSE or NFS mount may answer EINTR, even to fstat, when the Go
// runtime preempts a goroutine by a signal.
func retryEINTR(f func() error) error {
	for {
		if err := f(); err != unix.EINTR { //nolint:errorlint // a system call's bare errno
			return err
		}
	}
}

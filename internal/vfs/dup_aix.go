package vfs

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// duplicate returns a duplicate of fd with the close-on-exec flag. x/sys has no F_DUPFD_CLOEXEC for AIX; it takes two
// calls, between which no fork may happen.
func duplicate(fd uintptr) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	dup, err := unix.FcntlInt(fd, unix.F_DUPFD, 0)
	if err == nil {
		unix.CloseOnExec(dup)
	}
	return dup, err
}

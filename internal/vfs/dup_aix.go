package vfs

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// duplicate returns another descriptor of the file behind fd, which exec closes. x/sys has no F_DUPFD_CLOEXEC for AIX,
// so this takes two calls, and no fork may come between them.
func duplicate(fd uintptr) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	dup, err := unix.FcntlInt(fd, unix.F_DUPFD, 0)
	if err == nil {
		unix.CloseOnExec(dup)
	}
	return dup, err
}

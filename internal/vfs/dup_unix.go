//go:build unix && !aix

package vfs

import "golang.org/x/sys/unix"

// duplicate returns another descriptor of the file behind fd, which exec closes.
func duplicate(fd uintptr) (int, error) { return unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }

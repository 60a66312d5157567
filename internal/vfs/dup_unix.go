//go:build unix && !aix

package vfs

import "golang.org/x/sys/unix"

// duplicate returns a duplicate of fd with the close-on-exec flag.
func duplicate(fd uintptr) (int, error) { return unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }

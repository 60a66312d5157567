//go:build race

package drive

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// With the race detector rawRead and rawSend go through package syscall: only there does
// the detector learn that what was written before a send is seen after the read of it.

func rawRead(fd int, p []byte) (int, syscall.Errno) {
	n, err := syscall.Read(fd, p)
	if err != nil {
		return 0, err.(syscall.Errno) //nolint:errorlint // package syscall returns nothing else
	}
	return n, 0
}

func rawSend(fd int, p []byte, more bool) (int, syscall.Errno) {
	_, _ = syscall.Write(-1, nil) // for the detector; it does nothing
	flags := uintptr(unix.MSG_NOSIGNAL)
	if more {
		flags |= unix.MSG_MORE
	}
	n, _, err := syscall.Syscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), flags, 0, 0)
	if err != 0 {
		return 0, err
	}
	return int(n), 0
}

//go:build unix && !aix

package ftpd

import "syscall"

// peek looks at what nobody has read of a socket, without waiting, and without
// disturbing who reads it.
func peek(fd uintptr) unread {
	n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	switch {
	case err == syscall.EAGAIN, err == syscall.EINTR:
		return unreadNothing
	case err != nil || n == 0: // ECONNRESET, or the end
		return unreadEnd
	}
	return unreadBytes
}

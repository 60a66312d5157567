//go:build unix && !aix

package ftpd

import "syscall"

// peek returns what was not yet read from a socket. It does not block, and reads
// nothing.
func peek(fd uintptr) unread {
	n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	switch {
	case err == syscall.EAGAIN, err == syscall.EINTR:
		return unreadNothing
	case err != nil || n == 0: // ECONNRESET, or an orderly end
		return unreadEnd
	}
	return unreadBytes
}

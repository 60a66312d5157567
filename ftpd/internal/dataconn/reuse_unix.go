//go:build unix

package dataconn

import "syscall"

// reuseAddr is SO_REUSEADDR: many connections leave from one port, and those that
// have ended keep it for a minute.
func reuseAddr(fd uintptr) error {
	return syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
}

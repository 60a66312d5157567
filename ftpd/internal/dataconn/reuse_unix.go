//go:build unix

package dataconn

import "syscall"

// reuseAddr sets SO_REUSEADDR, so that many connections can come from one port, although
// ended ones occupy it for a minute (TIME_WAIT).
func reuseAddr(fd uintptr) error {
	return syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
}

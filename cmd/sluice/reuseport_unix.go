//go:build dragonfly || freebsd || linux

package main

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// shareAddress is the Control of a net.ListenConfig whose sockets share an
// address. The kernel divides the connections among them, and lets the
// sockets of another process of this user in.
func shareAddress(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, reusePortOption, 1)
	}); e != nil {
		return e
	}
	return os.NewSyscallError("setsockopt", err)
}

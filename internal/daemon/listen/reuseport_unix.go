//go:build dragonfly || freebsd || linux

package listen

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// setReusePort is the Control of a net.ListenConfig whose sockets share an
// address. The kernel distributes connections among them. Sockets of other
// processes of this user may join.
func setReusePort(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, reusePortOption, 1)
	}); e != nil {
		return e
	}
	return os.NewSyscallError("setsockopt", err)
}

package dataconn

import (
	"net"
	"os"
	"syscall"
)

// drain accepts the connections that wait in the queue of a listener, and gives them to
// refuse. Closing the listener would reset them.
func drain(fd uintptr, refuse func(net.Conn)) {
	for {
		accepted, _, err := syscall.Accept4(int(fd), syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK)
		switch err { //nolint:errorlint // a system call's bare errno
		case nil:
			file := os.NewFile(uintptr(accepted), "")
			if conn, err := net.FileConn(file); err == nil { // has a descriptor of its own
				refuse(conn)
			}
			_ = file.Close()
		case syscall.EINTR, syscall.ECONNABORTED:
		default: // EAGAIN: there are no more
			return
		}
	}
}

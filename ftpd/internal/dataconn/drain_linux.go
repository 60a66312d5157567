package dataconn

import "syscall"

// drain accepts the connections that wait in the queue of a listener, and closes them in
// order. Closing the listener would reset them, and a client that still writes to one, as
// Perl does to end TLS, would be killed by SIGPIPE.
func drain(fd uintptr) {
	for {
		conn, _, err := syscall.Accept4(int(fd), syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK)
		switch err { //nolint:errorlint // a system call's bare errno
		case nil:
			_ = syscall.Close(conn) // nothing was written to it
		case syscall.EINTR, syscall.ECONNABORTED:
		default: // EAGAIN: there are no more
			return
		}
	}
}

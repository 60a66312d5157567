//go:build !windows

package sendfile

import "syscall"

// peerErrnos are the errors of a call between a file and a socket that come from
// the socket.
var peerErrnos = [...]syscall.Errno{
	syscall.EPIPE, // the peer has closed, or this process has shut down for writing
	syscall.ECONNRESET,
	syscall.ECONNABORTED,
	syscall.ENOTCONN,
	syscall.ESHUTDOWN,
	syscall.ETIMEDOUT, // retransmissions or keep-alive probes went unanswered
	syscall.EHOSTUNREACH,
	syscall.ENETUNREACH,
	syscall.ENETDOWN,
	syscall.ENETRESET,
	syscall.ENOBUFS,
}

// unsupportedErrnos say that a method does not work between this file and this
// socket.
var unsupportedErrnos = [...]syscall.Errno{
	syscall.ENOSYS,     // no such call: an old kernel, or one that emulates another
	syscall.EINVAL,     // the file has no page cache (some FUSE, /proc), or does not support splice
	syscall.EOPNOTSUPP, // the socket or the file system refuses
	syscall.ENOTSUP,    // the same; another number on some systems
	syscall.EPERM,      // a seccomp filter that allows only read and write
}

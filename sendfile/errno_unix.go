//go:build !windows

package sendfile

import "syscall"

// peerErrnos are what a call that has a file at one end and a socket at the
// other returns because of the socket.
var peerErrnos = [...]syscall.Errno{
	syscall.EPIPE, // the peer has closed, or we have shut down for writing
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

// notHereErrnos say that a method does not lead from one end to the other.
var notHereErrnos = [...]syscall.Errno{
	syscall.ENOSYS,     // no such call: an old or a foreign kernel
	syscall.EINVAL,     // the source has no page cache (some FUSE, /proc), or an end that cannot be spliced
	syscall.EOPNOTSUPP, // the socket or the file system refuses
	syscall.ENOTSUP,    // the same; another number on some systems
	syscall.EPERM,      // a seccomp filter that knows only read and write
}

//go:build unix

package httpd

import "syscall"

// read blocks until some bytes have come, and reports whether they have. It
// holds no buffer meanwhile.
func (l *lane) read() bool {
	if l.onReadable == nil {
		l.onReadable = l.readable
	}
	l.came = 0
	return l.wire.raw.Read(l.onReadable) == nil && l.came > 0
}

// readable reads what has come, and reports whether there is no point in
// waiting. Sockets of package net never block, so an empty one is EAGAIN.
func (l *lane) readable(fd uintptr) bool {
	l.borrowDesk()
	n, err := syscall.Read(int(fd), l.desk.in[l.desk.to:])
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), l.desk.in[l.desk.to:])
	}
	if err == syscall.EAGAIN {
		return !l.park()
	}
	if n > 0 && l.wake() {
		l.came = n
		l.desk.to += n
	}
	return true
}

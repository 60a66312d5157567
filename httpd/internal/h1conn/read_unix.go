//go:build unix

package h1conn

import "syscall"

// read blocks until bytes have come, and reports whether they have. Meanwhile it has
// no buffers.
func (c *conn) read() bool {
	if c.onReadable == nil {
		c.onReadable = c.readable
	}
	c.received = 0
	return c.net.RawConn().Read(c.onReadable) == nil && c.received > 0
}

// readable reads the bytes that have come, and reports whether the wait is over.
// Sockets of package net are non-blocking, so an empty one is EAGAIN.
func (c *conn) readable(fd uintptr) bool {
	c.getBuffers()
	n, err := syscall.Read(int(fd), c.buffers.in[c.buffers.to:])
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), c.buffers.in[c.buffers.to:])
	}
	if err == syscall.EAGAIN {
		return !c.beginWait()
	}
	if n > 0 && c.net.SetBusy() {
		c.received = n
		c.buffers.to += n
	}
	return true
}

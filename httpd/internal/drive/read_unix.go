//go:build unix

package drive

import "syscall"

// await blocks until bytes have come, and reports whether they have. Meanwhile it has
// no buffers.
func (c *blocking) await() bool {
	if c.onReadable == nil {
		c.onReadable = c.readable
	}
	c.received = 0
	return c.conn.RawConn().Read(c.onReadable) == nil && c.received > 0
}

// readable reads the bytes that have come, and reports whether the wait is over.
// Sockets of package net are non-blocking, so an empty one is EAGAIN.
func (c *blocking) readable(fd uintptr) bool {
	c.takeMachine()
	n, err := syscall.Read(int(fd), c.m.Buffer())
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), c.m.Buffer())
	}
	if err == syscall.EAGAIN {
		return !c.beginWait()
	}
	if n > 0 && c.conn.SetBusy() {
		c.received = n
	}
	return true
}

//go:build !unix

package h1conn

// read blocks until bytes have come, and reports whether they have. Meanwhile it has
// buffers: package net cannot wait without reading here.
func (c *conn) read() bool {
	if !c.beginWait() {
		return false
	}
	c.getBuffers()
	n, _ := c.net.Read(c.buffers.in[c.buffers.to:])
	if n == 0 || !c.net.SetBusy() {
		return false
	}
	c.buffers.to += n
	return true
}

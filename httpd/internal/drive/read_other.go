//go:build !unix

package drive

// await blocks until bytes have come, and reports whether they have. Meanwhile it has a
// Machine: package net cannot wait without reading here.
func (c *blocking) await() bool {
	if !c.beginWait() {
		return false
	}
	c.takeMachine()
	c.received, _ = c.conn.Read(c.m.Buffer())
	return c.received > 0 && c.conn.SetBusy()
}

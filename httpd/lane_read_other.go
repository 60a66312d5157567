//go:build !unix

package httpd

// read blocks until some bytes have come, and reports whether they have. It
// holds a buffer meanwhile.
func (l *lane) read() bool {
	if !l.park() {
		return false
	}
	l.borrowDesk()
	n, _ := l.wire.Read(l.desk.in[l.desk.to:])
	if n == 0 || !l.wake() {
		return false
	}
	l.desk.to += n
	return true
}

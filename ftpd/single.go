package ftpd

import "net"

// single is a listener that accepts one connection, which is there already.
// It makes one server of the library serve one client.
type single struct {
	conn     net.Conn
	accepted bool
}

var _ net.Listener = (*single)(nil)

// Accept returns the connection, and to the second call net.ErrClosed: that
// ends the library's accept loop, and with it the goroutine that would wait
// for another client. The library has none but the one to whom it listens.
func (l *single) Accept() (net.Conn, error) {
	if l.accepted {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	l.accepted = true
	return l.conn, nil
}

// Close does nothing: whoever accepts the connection closes it.
func (l *single) Close() error { return nil }

// Addr returns the address that the client has connected to.
func (l *single) Addr() net.Addr { return l.conn.LocalAddr() }

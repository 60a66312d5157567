package ftpd

import "net"

// single is a listener that accepts one connection, which is there already.
// It makes one server of the library serve one client.
type single struct {
	conn chan net.Conn   // holds the connection until it is accepted
	over <-chan struct{} // closed when there is nothing left to wait for
	addr net.Addr
}

func newSingle(conn net.Conn, over <-chan struct{}) *single {
	l := &single{conn: make(chan net.Conn, 1), over: over, addr: conn.LocalAddr()}
	l.conn <- conn
	return l
}

// Accept returns the connection, and to the second call net.ErrClosed when all
// is over: that ends the library's accept loop.
func (l *single) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conn:
		return conn, nil
	default:
	}
	<-l.over
	return nil, &net.OpError{Op: "accept", Net: l.addr.Network(), Addr: l.addr, Err: net.ErrClosed}
}

// Close does nothing: the session knows when it is over.
func (l *single) Close() error { return nil }

// Addr returns the address that the client has connected to.
func (l *single) Addr() net.Addr { return l.addr }

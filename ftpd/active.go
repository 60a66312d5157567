package ftpd

import (
	"context"
	"net"
	"net/netip"
	"sync"
)

// activeSource connects to the port that the client has named with PORT or
// EPRT.
type activeSource struct {
	session *session
	addr    netip.AddrPort

	mu     sync.Mutex // guards the fields below
	conn   *dataConn  // nil before open
	closed bool
}

var _ dataSource = (*activeSource)(nil)

// open connects to the client, from the address that the client has
// connected to: others its filters may not know. It blocks until that has
// succeeded or failed, its time is up, or the operation ends.
func (a *activeSource) open() (*dataConn, error) {
	ctx, cancel := context.WithTimeout(a.session.opContext(), a.session.server.acceptTimeout())
	defer cancel()
	d := net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(a.session.local.Addr(), 0)),
		KeepAlive: -1, // a stall is noticed sooner
	}
	d.SetMultipathTCP(false) // or sendfile would meet a socket it may not know
	conn, err := d.DialContext(ctx, "tcp", a.addr.String())
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		reset(conn.(*net.TCPConn))
		return nil, net.ErrClosed
	}
	a.conn = newDataConn(a.session, conn.(*net.TCPConn))
	return a.conn, nil
}

// isThere reports that the client must be connected to first.
func (a *activeSource) isThere() bool { return false }

// Close closes the connection. It ends no open: the operation's context does.
// Closing twice is harmless.
func (a *activeSource) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.conn != nil {
		_ = a.conn.Close()
	}
	return nil
}

// abort is Close with a reset.
func (a *activeSource) abort() {
	a.mu.Lock()
	if a.conn != nil {
		a.conn.fail()
	}
	a.mu.Unlock()
	_ = a.Close()
}

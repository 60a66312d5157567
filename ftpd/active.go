package ftpd

import (
	"context"
	"net"
	"net/netip"
)

// activeSource connects to the port that the client has named with PORT or
// EPRT.
type activeSource struct {
	dataSlot
	addr netip.AddrPort
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
	return a.fill(conn.(*net.TCPConn))
}

// isThere reports that the client must be connected to first.
func (a *activeSource) isThere() bool { return false }

func (a *activeSource) close() { a.shut() }

package dataconn

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Active connects to a port of the client.
type Active struct {
	slot
	from, to netip.AddrPort
	wait     time.Duration
	check    func() error // returns why it may not be connected; nil: it may
}

var _ Source = (*Active)(nil)

// Dial returns the source that connects to the port to of the client, from the
// address from: that to which the client has connected, since others its filters
// may not know. The port of from is zero, or one that all connections leave from.
// wait bounds Open, which first asks check, if that is not nil, why not to connect.
func Dial(from, to netip.AddrPort, wait time.Duration, check func() error) *Active {
	return &Active{from: from, to: to, wait: wait, check: check}
}

// Open connects to the client.
func (a *Active) Open(ctx context.Context) (*Conn, error) {
	if a.check != nil {
		if err := a.check(); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, a.wait)
	defer cancel()
	d := net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(a.from),
		KeepAlive: -1, // a stall is noticed sooner
	}
	if a.from.Port() != 0 {
		d.Control = reuse
	}
	d.SetMultipathTCP(false) // or sendfile would meet a socket it may not know
	conn, err := d.DialContext(ctx, "tcp", a.to.String())
	if err != nil {
		return nil, err
	}
	return a.fill(conn)
}

// reuse lets many connections leave from one port.
func reuse(_, _ string, raw syscall.RawConn) error {
	var err error
	failed := raw.Control(func(fd uintptr) { err = reuseAddr(fd) })
	return errors.Join(failed, err)
}

// IsConnected reports false: the client must be connected to first.
func (a *Active) IsConnected() bool { return false }

// Close implements Source.
func (a *Active) Close() { a.shut() }

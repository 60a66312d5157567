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
	check    func() error // returns why it may not connect; nil func: it always may
}

var _ Source = (*Active)(nil)

// Dial returns a source that connects to the client's address to. The connection comes
// from the address from, which should be the local address of the control connection:
// the client's firewall may not accept others. If the port of from is not zero, all
// connections come from that port. wait bounds Open. Open first calls check, if that is
// not nil, and returns its error.
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
		KeepAlive: -1, // off: the stall timeout is shorter
	}
	if a.from.Port() != 0 {
		d.Control = reuse
	}
	d.SetMultipathTCP(false) // sendfile and splice may not support MPTCP sockets
	conn, err := d.DialContext(ctx, "tcp", a.to.String())
	if err != nil {
		return nil, err
	}
	return a.fill(conn)
}

// reuse is a net.Dialer.Control that lets many connections come from one port.
func reuse(_, _ string, raw syscall.RawConn) error {
	var err error
	failed := raw.Control(func(fd uintptr) { err = reuseAddr(fd) })
	return errors.Join(failed, err)
}

// IsConnected reports false: Open has to connect first.
func (a *Active) IsConnected() bool { return false }

// Close implements Source.
func (a *Active) Close() { a.shut() }

package dataconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// Passive waits for the one data connection of a PASV or EPSV. It accepts only the
// client's address: connections from others, strangers, are reset, and the transfer goes
// on (RFC 2577, 4: port stealing).
//
// But a stranger may be the client, whose connections leave a network by several
// addresses. So if a stranger has come, and soon afterwards the client has not, Open
// fails. After KeepStranger it returns the stranger's connection then, and the caller must
// find out whether it is the client's.
type Passive struct {
	slot
	reservation *reservation
	wait        time.Duration
	closed      chan struct{} // closed by Close
	onSecond    func(*Passive, error)
	failure     atomic.Pointer[error] // set by fail; nil: no second connection has come

	keepsStranger atomic.Bool
}

// stranger is a connection from another address than the client's.
type stranger struct {
	conn net.Conn // nil: it was reset
	from netip.Addr
}

// How long Open waits for the client when a stranger has come. Most clients connect before
// they send the command, so one second is for a lost packet; a connection that was kept is
// probably the client's.
const (
	strangerTime     = time.Second
	keptStrangerTime = 250 * time.Millisecond
)

var _ Source = (*Passive)(nil)

var (
	// ErrNoConn means that the client did not connect in time.
	ErrNoConn = errors.New("client did not connect")
	// ErrSecond means that two connections came, one of which is not the client's.
	ErrSecond = errors.New("two data connections came, and the server cannot know which one is the client's")
	// ErrStranger means that a connection came from another address, and none from the
	// client's.
	ErrStranger = errors.New("the data connection came from another address than the control connection")
)

// KeepStranger makes Open return a connection from another address, if none comes from the
// client's.
func (p *Passive) KeepStranger() { p.keepsStranger.Store(true) }

// Port returns the port to announce.
func (p *Passive) Port() uint16 { return p.reservation.port.announced }

// Open blocks until the client has connected, the time is up, ctx ends, or the source is
// closed.
func (p *Passive) Open(ctx context.Context) (*Conn, error) {
	select {
	case tcp := <-p.reservation.arrived: // most clients connect before they send the command
		return p.take(tcp)
	default:
	}
	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	var other stranger
	defer func() {
		if other.conn != nil {
			reset(other.conn)
		}
	}()
	for {
		select {
		case tcp := <-p.reservation.arrived:
			return p.take(tcp)
		case other = <-p.reservation.strangers:
			soon := strangerTime
			if other.conn != nil {
				soon = keptStrangerTime
			}
			timer.Reset(min(soon, p.wait))
		case <-timer.C:
			switch {
			case other.conn != nil:
				conn := other.conn
				other.conn = nil
				c, err := p.take(conn)
				if c != nil {
					c.stranger = other.from
				}
				return c, err
			case other.from.IsValid():
				return nil, fmt.Errorf("%w: %v", ErrStranger, other.from)
			}
			return nil, ErrNoConn
		case <-ctx.Done():
			return nil, p.reason()
		case <-p.closed:
			return nil, p.reason()
		}
	}
}

// take returns tcp as a Conn, unless the source was closed or has failed meanwhile.
func (p *Passive) take(tcp net.Conn) (*Conn, error) {
	conn, err := p.fill(tcp)
	if err != nil || p.failure.Load() != nil {
		p.Fail()
		return nil, p.reason()
	}
	return conn, nil
}

// reason returns why the source gives no connection any more.
func (p *Passive) reason() error {
	if err := p.failure.Load(); err != nil {
		return *err
	}
	return net.ErrClosed
}

// fail ends the source because a second connection has come.
func (p *Passive) fail(err error) {
	if !p.failure.CompareAndSwap(nil, &err) {
		return
	}
	p.Fail() // before onSecond, because what that ends may close the connection itself, as a TLS handshake does
	if p.onSecond != nil {
		p.onSecond(p, err)
	}
	p.Fail() // also a connection that Open has just returned
	p.Close()
}

// IsConnected reports whether the client has connected.
func (p *Passive) IsConnected() bool { return len(p.reservation.arrived) > 0 }

// Close implements Source. It also ends the reservation of the port.
func (p *Passive) Close() {
	if !p.shut() {
		return
	}
	close(p.closed)
	conn := p.reservation.release()
	switch {
	case conn == nil:
	case p.failure.Load() != nil:
		reset(conn)
	default:
		p.reservation.port.pool.refuse(conn)
	}
}

package dataconn

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// Passive waits for the one data connection of a PASV or EPSV. It gives it to
// nobody but the host of the client: a stranger who tries the port is reset and
// does not cost the transfer (RFC 2577, 4: port stealing).
type Passive struct {
	slot
	spot     *reservation
	wait     time.Duration
	over     chan struct{} // closed by Close
	onSecond func(*Passive, error)
	failure  atomic.Pointer[error] // nil: no second connection has come
}

var _ Source = (*Passive)(nil)

// Why there is no connection.
var (
	// ErrNoConn means that the client did not connect in time.
	ErrNoConn = errors.New("client did not connect")
	// ErrSecond means that one of two connections is not that of the client.
	ErrSecond = errors.New("two data connections came, and nobody knows which is the client's")
)

// Port returns the port to announce.
func (p *Passive) Port() uint16 { return p.spot.port.announced }

// Open blocks until the client has connected, its time is up, ctx ends, or the
// source is closed.
func (p *Passive) Open(ctx context.Context) (*Conn, error) {
	select {
	case tcp := <-p.spot.arrived: // most clients connect before they send the command
		return p.take(tcp)
	default:
	}
	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	select {
	case tcp := <-p.spot.arrived:
		return p.take(tcp)
	case <-timer.C:
		return nil, ErrNoConn
	case <-ctx.Done():
		return nil, p.reason()
	case <-p.over:
		return nil, p.reason()
	}
}

// take takes tcp over, unless the source has ended meanwhile.
func (p *Passive) take(tcp net.Conn) (*Conn, error) {
	conn, err := p.fill(tcp)
	if err != nil || p.failure.Load() != nil {
		p.Fail()
		return nil, p.reason()
	}
	return conn, nil
}

// reason returns why there is no connection any more.
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
	if p.onSecond != nil {
		p.onSecond(p, err)
	}
	p.Fail()
	p.Close()
}

// IsConnected reports whether the client has connected.
func (p *Passive) IsConnected() bool { return len(p.spot.arrived) > 0 }

// Close gives the port back too.
func (p *Passive) Close() {
	if !p.shut() {
		return
	}
	close(p.over)
	conn := p.spot.release()
	switch {
	case conn == nil:
	case p.failure.Load() != nil:
		reset(conn)
	default:
		_ = conn.Close() // in order: its client may wait for that
	}
}

package dataconn

import (
	"context"
	"errors"
	"net"
	"time"
)

// Passive waits for the one data connection of a PASV or EPSV. It gives it to
// nobody but the host of the client: a stranger who tries the port is reset and
// does not cost the transfer (RFC 2577, 4: port stealing).
type Passive struct {
	slot
	spot *reservation
	wait time.Duration
	over chan struct{} // closed by Close
}

var _ Source = (*Passive)(nil)

// ErrNoConn is why Open has failed if the client did not connect in time.
var ErrNoConn = errors.New("client did not connect")

// Port returns the port to announce.
func (p *Passive) Port() uint16 { return p.spot.port.announced }

// Open blocks until the client has connected, its time is up, ctx ends, or the
// source is closed.
func (p *Passive) Open(ctx context.Context) (*Conn, error) {
	select {
	case tcp := <-p.spot.arrived: // most clients connect before they send the command
		return p.fill(tcp)
	default:
	}
	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	select {
	case tcp := <-p.spot.arrived:
		return p.fill(tcp)
	case <-timer.C:
		return nil, ErrNoConn
	case <-ctx.Done():
		return nil, net.ErrClosed
	case <-p.over:
		return nil, net.ErrClosed
	}
}

// IsThere reports whether the client has connected.
func (p *Passive) IsThere() bool { return len(p.spot.arrived) > 0 }

// Close gives the port back too.
func (p *Passive) Close() {
	if p.shut() {
		close(p.over)
		p.spot.release()
	}
}

package ftpd

import (
	"errors"
	"net"
	"time"
)

// passiveListener waits for the one data connection of a PASV or EPSV. It
// gives it to nobody but the host of the client: a stranger who tries the port
// is reset and does not cost the transfer (RFC 2577, 4: port stealing).
type passiveListener struct {
	dataSlot
	spot *reservation
	over chan struct{} // closed by close
}

var _ dataSource = (*passiveListener)(nil)

var errNoDataConn = errors.New("client did not connect")

// newPassiveListener reserves a port on the address that the client has
// connected to. The caller closes the listener.
func newPassiveListener(s *session) (*passiveListener, error) {
	spot, err := s.server.ports.reserve(s.local.Addr(), s.remote.Addr())
	if err != nil {
		return nil, err
	}
	return &passiveListener{dataSlot: dataSlot{session: s}, spot: spot, over: make(chan struct{})}, nil
}

// open blocks until the client has connected, its time is up, or the
// listener is closed.
func (l *passiveListener) open() (*dataConn, error) {
	select {
	case tcp := <-l.spot.arrived: // most clients connect before they send the command
		return l.fill(tcp)
	default:
	}
	timer := time.NewTimer(l.session.server.acceptTimeout())
	defer timer.Stop()
	select {
	case tcp := <-l.spot.arrived:
		return l.fill(tcp)
	case <-timer.C:
		return nil, errNoDataConn
	case <-l.over:
		return nil, net.ErrClosed
	}
}

// isThere reports whether the client has connected.
func (l *passiveListener) isThere() bool { return len(l.spot.arrived) > 0 }

// close gives the port back too, and ends an open that blocks.
func (l *passiveListener) close() {
	if l.shut() {
		close(l.over)
		l.spot.release()
	}
}

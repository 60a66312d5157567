package ftpd

import (
	"errors"
	"net"
	"sync"
	"time"
)

// passiveListener waits for the one data connection of a PASV or EPSV. It
// gives it to nobody but the host of the client: a stranger who tries the port
// is reset and does not cost the transfer (RFC 2577, 4: port stealing).
type passiveListener struct {
	session *session
	spot    *reservation
	over    chan struct{} // closed by Close

	mu     sync.Mutex // guards the fields below
	conn   *dataConn  // nil before open
	closed bool
}

var _ dataSource = (*passiveListener)(nil)

var errNoDataConn = errors.New("client did not connect")

// newPassiveListener reserves a port on the address that the client has
// connected to. The caller closes the listener.
func newPassiveListener(s *session) (*passiveListener, error) {
	spot, err := s.server.dataPorts().reserve(s.local.Addr(), s.remote.Addr())
	if err != nil {
		return nil, err
	}
	return &passiveListener{session: s, spot: spot, over: make(chan struct{})}, nil
}

// open blocks until the client has connected, its time is up, or the
// listener is closed.
func (l *passiveListener) open() (*dataConn, error) {
	select {
	case tcp := <-l.spot.arrived: // most clients connect before they send the command
		return l.adopt(tcp)
	default:
	}
	timer := time.NewTimer(l.session.server.acceptTimeout())
	defer timer.Stop()
	select {
	case tcp := <-l.spot.arrived:
		return l.adopt(tcp)
	case <-timer.C:
		return nil, errNoDataConn
	case <-l.over:
		return nil, net.ErrClosed
	}
}

// isThere reports whether the client has connected.
func (l *passiveListener) isThere() bool { return len(l.spot.arrived) > 0 }

// adopt takes tcp over.
func (l *passiveListener) adopt(tcp *net.TCPConn) (*dataConn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		reset(tcp)
		return nil, net.ErrClosed
	}
	l.conn = newDataConn(l.session, tcp)
	return l.conn, nil
}

// Close gives the port back and closes the connection that came through it.
// Closing twice is harmless.
func (l *passiveListener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	close(l.over)
	l.spot.release()
	if l.conn != nil {
		_ = l.conn.Close()
	}
	return nil
}

// abort is Close with a reset in place of an orderly end, which to a client
// would be the end of what it was to get.
func (l *passiveListener) abort() {
	l.mu.Lock()
	if l.conn != nil {
		l.conn.fail()
	}
	l.mu.Unlock()
	_ = l.Close()
}

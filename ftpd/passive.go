package ftpd

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// passiveListener waits for the one data connection of a PASV or EPSV. It
// listens on the address the client has connected to, and gives the connection
// to nobody but the host of that client: a stranger who tries the port is
// closed and does not cost the transfer (RFC 2577, 4: port stealing).
type passiveListener struct {
	listener *net.TCPListener
	spare    net.Listener // the library's own, unused; it sets deadlines on it, so it must stay open
	client   netip.Addr
	wait     time.Duration // of Accept
	stall    time.Duration // of the connection; zero: none

	mu     sync.Mutex // guards the fields below
	conn   *dataConn  // nil before Accept
	closed bool
}

var _ net.Listener = (*passiveListener)(nil)

var errNoDataConn = errors.New("client did not connect")

// newPassiveListener takes spare over if it succeeds.
func newPassiveListener(s *session, spare net.Listener) (*passiveListener, error) {
	network := "tcp6"
	if s.local.Addr().Is4() {
		network = "tcp4"
	}
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // or sendfile would meet a socket it may not know
	ln, err := lc.Listen(context.Background(), network, netip.AddrPortFrom(s.local.Addr(), 0).String())
	if err != nil {
		return nil, err
	}
	return &passiveListener{
		listener: ln.(*net.TCPListener),
		spare:    spare,
		client:   s.remote.Addr(),
		wait:     s.server.waits.forDataConn(),
		stall:    s.server.stallTimeout(),
	}, nil
}

// Accept blocks until the client has connected, its time is up, or the
// listener is closed. The port is free again when it returns.
func (l *passiveListener) Accept() (net.Conn, error) {
	defer l.listener.Close()
	if err := l.listener.SetDeadline(time.Now().Add(l.wait)); err != nil {
		return nil, err
	}
	for {
		tcp, err := l.listener.AcceptTCP()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, errNoDataConn
		}
		if err != nil {
			return nil, err
		}
		if from, ok := tcpAddr(tcp.RemoteAddr()); ok && from.Addr() == l.client {
			return l.adopt(tcp)
		}
		reset(tcp)
	}
}

// adopt takes tcp over.
func (l *passiveListener) adopt(tcp *net.TCPConn) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		reset(tcp)
		return nil, net.ErrClosed
	}
	l.conn = &dataConn{tcp: tcp, stall: l.stall}
	return l.conn, nil
}

// Close closes the port and the connection that came through it. Closing twice
// is harmless.
func (l *passiveListener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	_ = l.spare.Close()
	if l.conn != nil {
		_ = l.conn.Close()
	}
	_ = l.listener.Close() // closed already after Accept
	return nil
}

// abort is Close with a reset in place of an orderly end, which to a client
// would be the end of what it was to get.
func (l *passiveListener) abort() {
	l.mu.Lock()
	if l.conn != nil {
		_ = l.conn.tcp.SetLinger(0)
	}
	l.mu.Unlock()
	_ = l.Close()
}

// inUse reports whether there is a data connection, which is not closed.
func (l *passiveListener) inUse() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn != nil && !l.closed
}

// Addr returns the address whose port is announced to the client.
func (l *passiveListener) Addr() net.Addr { return l.listener.Addr() }

// reset closes tcp without waiting for anything it has to send.
func reset(tcp *net.TCPConn) {
	_ = tcp.SetLinger(0)
	_ = tcp.Close()
}

package httpd

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"

	"sluice/httpd/internal/sockets"
	"sluice/metrics"
)

// Listen listens on a TCP address, as net.Listen does, without multipath TCP. network
// is tcp, tcp4 or tcp6. On Linux there is a socket for each processor that the process
// may use (GOMAXPROCS), so that event loops accept without waiting for each other. A
// second server on the address fails, but a program of the same user can share it by
// SO_REUSEPORT.
func Listen(ctx context.Context, network, address string) (*Listener, error) {
	return new(ListenConfig).Listen(ctx, network, address)
}

// ListenConfig has the options of a Listener. The zero value is that of [Listen].
type ListenConfig struct {
	// ReusePort lets other processes of this user listen on the address too, if they
	// set SO_REUSEPORT. The kernel distributes connections among all sockets. Only Linux
	// has it here; elsewhere Listen returns an error that is errors.ErrUnsupported.
	ReusePort bool

	// Sockets is how many sockets there are at least. There is one for each event loop
	// in any case.
	Sockets int
}

// Listen is like the function Listen.
func (c *ListenConfig) Listen(ctx context.Context, network, address string) (*Listener, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, &net.OpError{Op: "listen", Net: network, Err: net.UnknownNetworkError(network)}
	}
	lc := net.ListenConfig{Control: sockets.Control(c.ReusePort)}
	lc.SetMultipathTCP(false) // some options of sockets fail there
	ln, err := lc.Listen(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l, err := NewListener(ln)
	if err == nil && sockets.Supported {
		err = l.addSiblings(max(l.loops, c.Sockets) - 1)
	}
	if err != nil {
		_ = ln.Close()
		if l != nil {
			_ = l.Close()
		}
		return nil, &net.OpError{Op: "listen", Net: network, Addr: ln.Addr(), Err: err}
	}
	return l, nil
}

// A Listener is a net.Listener whose connections event loops can accept. A [Server]
// uses loops if it can, and Accept otherwise; any other server uses Accept.
type Listener struct {
	addr  net.Addr
	loops int    // that fds are for; 0: this system has none, or ln has no descriptor
	path  string // of a unix socket that Close removes; "": none

	mu      sync.Mutex   // guards the fields below
	ln      net.Listener // for Accept; nil: nobody has called it
	fds     []int        // listening sockets, the first, and its siblings; nil: ln has the socket
	closing func()       // of the event loops that have fds; nil: none
	closed  bool
}

// NewListener returns a Listener in place of ln, which the caller no longer uses. The
// socket of a *net.TCPListener or a *net.UnixListener is taken from it, and is one for
// all event loops. Any other listener stays as it is, as all do on systems without
// event loops. A path that ln would have removed is removed by Close. If NewListener
// fails, ln is as before.
func NewListener(ln net.Listener) (*Listener, error) {
	if l, ok := ln.(*Listener); ok {
		return l, nil
	}
	l := &Listener{addr: ln.Addr()}
	fd, unlink, err := sockets.Detach(ln)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		l.ln = ln
		return l, nil
	case err != nil:
		return nil, err
	}
	l.fds, l.loops = []int{fd}, runtime.GOMAXPROCS(0)
	if unlink {
		l.path = l.addr.String()
	}
	return l, nil
}

// addSiblings adds n sockets that share the address.
func (l *Listener) addSiblings(n int) error {
	siblings, err := sockets.Siblings(l.fds[0], n)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil // some emulations of Linux cannot do that: all loops share the first
	}
	l.fds = append(l.fds, siblings...)
	return err
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return l.addr }

// Loops returns how many event loops can accept from the Listener: as many as
// GOMAXPROCS was when it was made, or none.
func (l *Listener) Loops() int { return l.loops }

// SetUnlinkOnClose sets whether Close removes the path of a unix socket.
func (l *Listener) SetUnlinkOnClose(unlink bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loops == 0 {
		if u, ok := l.ln.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(unlink)
		}
		return
	}
	l.path = ""
	if u, ok := l.addr.(*net.UnixAddr); ok && unlink && u.Name != "" && u.Name[0] != '@' {
		l.path = u.Name
	}
}

// Backlog returns the queue of connections that wait to be accepted, of all sockets
// together. The error is errors.ErrUnsupported where the system does not know it.
func (l *Listener) Backlog() (metrics.Backlog, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ln != nil:
		conn, ok := l.ln.(syscall.Conn)
		if !ok {
			return metrics.Backlog{}, errors.ErrUnsupported
		}
		socket, err := metrics.NewSocket(conn)
		if err != nil {
			return metrics.Backlog{}, err
		}
		return socket.Backlog()
	case l.fds == nil:
		return metrics.Backlog{}, net.ErrClosed
	case l.closing == nil:
		return sockets.Backlog(l.fds[:1]) // the others do not listen
	}
	return sockets.Backlog(l.fds)
}

// Accept implements net.Listener. It fails while event loops accept.
func (l *Listener) Accept() (net.Conn, error) {
	ln, err := l.acceptor()
	if err != nil {
		return nil, &net.OpError{Op: "accept", Net: l.addr.Network(), Addr: l.addr, Err: err}
	}
	return ln.Accept()
}

var errLoopsAccept = errors.New("event loops accept its connections")

// acceptor returns a listener of package net for the first socket, and closes the
// others, which have no connections yet.
func (l *Listener) acceptor() (net.Listener, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, net.ErrClosed
	case l.closing != nil:
		return nil, errLoopsAccept
	case l.ln == nil:
		ln, err := sockets.Attach(l.fds[0])
		if err != nil {
			return nil, err
		}
		sockets.Close(l.fds[1:])
		l.ln, l.fds = ln, nil
	}
	return l.ln, nil
}

// descriptors gives the listening sockets to event loops, which accept from them from
// then on: there is one for each of Loops, or more, or a single one that all share.
// There are none if Accept was called, or if the Listener is closed or has none.
//
// Close does not close them but calls closing, once. The loops then accept what is in
// the queues, and call release when none of them uses a descriptor any more.
func (l *Listener) descriptors(closing func()) ([]int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.ln != nil || l.closing != nil {
		return nil, nil
	}
	if err := sockets.StartListening(l.fds[1:]); err != nil {
		return nil, err
	}
	l.closing = closing
	return l.fds, nil
}

// release closes the sockets that descriptors has returned.
func (l *Listener) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	sockets.Close(l.fds)
	l.fds = nil
}

// Close stops listening. Closing twice is harmless.
func (l *Listener) Close() error {
	stop := l.close()
	if stop == nil {
		return nil
	}
	return stop()
}

// close marks the Listener as closed. It returns what is left to do without the lock, or
// nil.
func (l *Listener) close() (stop func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if l.path != "" {
		_ = os.Remove(l.path) // before the socket is closed: later it may be that of another server
	}
	switch {
	case l.ln != nil:
		return l.ln.Close
	case l.closing != nil:
		return func() error { l.closing(); return nil }
	}
	sockets.Close(l.fds)
	l.fds = nil
	return nil
}

// ListenAndServe listens on a TCP address by [Listen] and serves it by Serve.
func (s *Server) ListenAndServe(address string) error {
	ln, err := Listen(context.Background(), "tcp", address)
	if err != nil {
		return err
	}
	return s.Serve(ln)
}

package admin

import (
	"net"
	"sync"
)

// MaxConns is the number of connections that Limit allows at a time.
const MaxConns = 64

// Limit returns a listener with at most MaxConns open connections; the next is
// accepted when one is closed. So clients of the admin listener, also without a token,
// cannot use up the descriptors that other clients need.
func Limit(ln net.Listener) net.Listener {
	return &limitedListener{Listener: ln, slots: make(chan struct{}, MaxConns), closed: make(chan struct{})}
}

type limitedListener struct {
	net.Listener
	slots  chan struct{} // holds one for each connection
	closed chan struct{}
	once   sync.Once
}

func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{Conn: c, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// limitedConn releases its slot when it is closed. It hides the fast methods of the
// connection, which the operator does not need.
type limitedConn struct {
	net.Conn
	release func()
}

func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

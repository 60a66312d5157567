package admin

import (
	"net"
	"sync"
)

// MaxConns is how many connections Limit lets be at one time.
const MaxConns = 64

// Limit returns a listener of which MaxConns connections are open at most: the
// next is accepted when one is closed. So whoever reaches the admin listener,
// without a token too, cannot take the descriptors that clients need.
func Limit(ln net.Listener) net.Listener {
	return &limited{Listener: ln, places: make(chan struct{}, MaxConns), closed: make(chan struct{})}
}

type limited struct {
	net.Listener
	places chan struct{} // one for each connection
	closed chan struct{}
	once   sync.Once
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &placed{Conn: c, leave: sync.OnceFunc(func() { <-l.places })}, nil
}

func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// placed is a connection that gives back its place. Nothing of it needs to be
// fast.
type placed struct {
	net.Conn
	leave func()
}

func (c *placed) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

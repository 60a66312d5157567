package admin

import (
	"context"
	"net"
	"slices"
	"sync"

	"sluice/internal/live"
)

// MaxConns is the number of connections that Limit allows at a time.
const MaxConns = 64

// Limit returns a listener with at most MaxConns open connections. So clients of the
// admin listener, also without a token, cannot use up the descriptors that other clients
// need. If there is no room, the next connection takes the place of one that has no
// request being answered: of the address with most of those, the one that has waited
// longest. If a request is being answered on each, it is accepted when one is closed.
//
// The http.Server needs ConnContext to know which these are.
func Limit(ln net.Listener) net.Listener {
	return &limitedListener{Listener: ln, changed: make(chan struct{}, 1), closed: make(chan struct{})}
}

type connKey struct{}

// ConnContext is for the http.Server that accepts from Limit.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// beginRequest says that a request of the connection of ctx is being answered until end is called.
func beginRequest(ctx context.Context) (end func()) {
	c, ok := ctx.Value(connKey{}).(*limitedConn)
	if !ok {
		return func() {}
	}
	c.setServing(true)
	return func() { c.setServing(false) }
}

type limitedListener struct {
	net.Listener
	changed chan struct{} // holds one after there may be room
	closed  chan struct{}
	once    sync.Once

	mu    sync.Mutex     // guards the field below, and those of the connections
	conns []*limitedConn // those that wait longest for a request first
}

func (l *limitedListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &limitedConn{Conn: nc, listener: l}
	for {
		admitted, victim := l.admit(c)
		if victim != nil {
			_ = victim.Close()
		}
		if admitted {
			return c, nil
		}
		select {
		case <-l.changed:
		case <-l.closed:
			_ = nc.Close()
			return nil, net.ErrClosed
		}
	}
}

// admit adds c if there is room. If it returns a victim, that has to be closed, to make room.
func (l *limitedListener) admit(c *limitedConn) (admitted bool, victim *limitedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.conns) >= MaxConns {
		if victim = l.victim(); victim == nil {
			return false, nil
		}
		l.remove(victim)
	}
	l.conns = append(l.conns, c)
	return true, victim
}

// victim returns the connection whose place another one takes; nil: none. The caller holds mu.
func (l *limitedListener) victim() (victim *limitedConn) {
	waiting := make(map[string]int)
	address := func(c *limitedConn) string { return live.AddrPortOf(c.RemoteAddr()).Addr().String() }
	for _, c := range l.conns {
		if !c.serving {
			waiting[address(c)]++
		}
	}
	for _, c := range l.conns {
		if !c.serving && (victim == nil || waiting[address(c)] > waiting[address(victim)]) {
			victim = c
		}
	}
	return victim
}

// remove removes c, if it is there. The caller holds mu.
func (l *limitedListener) remove(c *limitedConn) {
	if i := slices.Index(l.conns, c); i >= 0 {
		l.conns = slices.Delete(l.conns, i, i+1)
	}
	l.announce()
}

func (l *limitedListener) announce() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// limitedConn makes room when it is closed. It hides the fast methods of the
// connection, which the operator does not need.
type limitedConn struct {
	net.Conn
	listener *limitedListener
	serving  bool // a request is being answered
}

// setServing says whether a request is being answered. Afterwards the connection waits from now on.
func (c *limitedConn) setServing(serving bool) {
	l := c.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.conns, c)
	if i < 0 {
		return // it has lost its place meanwhile
	}
	c.serving = serving
	l.conns = append(slices.Delete(l.conns, i, i+1), c)
	if !serving {
		l.announce()
	}
}

func (c *limitedConn) Close() error {
	c.listener.mu.Lock()
	c.listener.remove(c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

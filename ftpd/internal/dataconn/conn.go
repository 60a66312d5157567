package dataconn

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"syscall"
	"time"
)

// Conn is a data connection, in clear or protected. Its methods may be called
// from several goroutines.
type Conn struct {
	tcp net.Conn // a *net.TCPConn, unless an operator has wrapped the listener

	mu     sync.Mutex // guards the fields below
	tls    *tls.Conn  // nil in clear, and before the handshake
	failed bool       // the client must not take the end for an orderly one
	closed bool
}

// NetConn returns the connection below TLS, to be looked at.
func (c *Conn) NetConn() net.Conn { return c.tcp }

// Secure returns what bytes go through: the connection itself, which package
// sendfile is fast on, or with a protection that is not nil the TLS connection
// after its handshake. Clients begin the handshake when they have seen reply 150.
// Secure blocks until it is done, ctx ends, or the client stalls. After an error
// Close resets the connection.
func (c *Conn) Secure(ctx context.Context, p *Protection) (net.Conn, error) {
	if p == nil {
		return c.tcp, nil
	}
	protected, err := p.handshake(ctx, c.tcp)
	if err != nil {
		c.Fail()
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tls = protected
	return protected, nil
}

// End tells the client that all has gone, if it is not the end of the connection
// that does so. It blocks until that is sent, or for as long as stall; zero is no
// bound. After an error Close resets the connection.
func (c *Conn) End(stall time.Duration) error {
	c.mu.Lock()
	protected := c.tls
	c.mu.Unlock()
	if protected == nil {
		return nil
	}
	err := endTLS(protected, stall)
	if err != nil {
		c.Fail()
	}
	return err
}

// Finish ends our direction, after End, and blocks until the client has ended its own
// or the deadline passes. Nobody may read any more.
func (c *Conn) Finish(deadline time.Time) {
	half, ok := c.tcp.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.tcp.SetReadDeadline(deadline) != nil {
		return
	}
	var rest [64]byte // the end of TLS, as a rule: unread, it would make our close a reset
	for {
		if _, err := c.tcp.Read(rest[:]); err != nil {
			return
		}
	}
}

// Cork lets what is sent from now on go with the end of the connection: one segment
// costs both sides less than two. It is for what fits in one and is followed by
// Finish at once, since the kernel holds it back meanwhile, 200 ms at most.
func (c *Conn) Cork() {
	if conn, ok := c.tcp.(syscall.Conn); ok {
		if raw, err := conn.SyscallConn(); err == nil {
			_ = raw.Control(cork)
		}
	}
}

// Fail makes the connection end with a reset: an orderly end is the end of the
// file. And to a client that has stalled the kernel would offer what it has for
// minutes after we have given up.
func (c *Conn) Fail() {
	c.mu.Lock()
	c.failed = true
	c.mu.Unlock()
	NoLinger(c.tcp)
}

// Close closes the connection, also under a read or write that blocks, and a
// protected one with the alert that says so (RFC 8446, 6.1), unless it has
// failed. Closing twice is harmless.
func (c *Conn) Close() error {
	c.mu.Lock()
	again, failed, protected := c.closed, c.failed, c.tls
	c.closed = true
	c.mu.Unlock()
	switch {
	case failed || protected == nil && !again:
		_ = c.tcp.Close()
	case !again:
		_ = protected.Close() // waits a few seconds for room, or for the next case above
	}
	return nil
}

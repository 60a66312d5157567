package dataconn

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Conn is a data connection, in clear or protected. Its methods may be called
// from several goroutines.
type Conn struct {
	tcp      net.Conn   // a *net.TCPConn, unless an operator has wrapped the listener
	stranger netip.Addr // where it came from, if that is not the client's address; else zero

	mu     sync.Mutex // guards the fields below
	tls    *tls.Conn  // nil in clear, and before the handshake
	failed bool       // Fail was called: closing resets the connection
	closed bool
}

// Stranger returns the address that the connection came from, if it is not the client's. It
// may have come from anybody: see Passive.KeepStranger.
func (c *Conn) Stranger() (from netip.Addr, is bool) { return c.stranger, c.stranger.IsValid() }

// NetConn returns the connection below TLS, for statistics.
func (c *Conn) NetConn() net.Conn { return c.tcp }

// Secure returns the connection for the data. If p is nil that is the socket itself, with
// which package sendfile is fast. Otherwise Secure makes a TLS handshake, which clients
// begin when they have seen reply 150, and returns the TLS connection. It blocks until the
// handshake is done, ctx ends, or the client stalls. After an error Close resets the
// connection.
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

// End ends the data with close_notify, if the connection uses TLS. write writes that to
// the connection below TLS, and decides how long it waits for room: package tls would wait
// for five seconds only. After an error Close resets the connection.
func (c *Conn) End(write func(below net.Conn, p []byte) (int, error)) error {
	c.mu.Lock()
	protected := c.tls
	c.mu.Unlock()
	if protected == nil {
		return nil
	}
	err := endTLS(protected, write)
	if err != nil {
		c.Fail()
	}
	return err
}

// Finish shuts down our direction, after End, and blocks until the client has shut down
// its own or the deadline passes. Do not read from the connection any more.
func (c *Conn) Finish(deadline time.Time) { finish(c.tcp, deadline) }

// finish implements Finish.
func finish(tcp net.Conn, deadline time.Time) {
	half, ok := tcp.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || tcp.SetReadDeadline(deadline) != nil {
		return
	}
	var rest [64]byte // usually the client's close_notify: unread bytes would turn our close into a reset
	for {
		if _, err := tcp.Read(rest[:]); err != nil {
			return
		}
	}
}

// Cork makes the kernel send the next data together with the end of the connection: one
// segment costs both sides less than two. Use it for data that fits in one segment, and
// call Finish at once, because the kernel holds the data back until then, for up to 200
// ms.
func (c *Conn) Cork() {
	if conn, ok := c.tcp.(syscall.Conn); ok {
		if raw, err := conn.SyscallConn(); err == nil {
			_ = raw.Control(cork)
		}
	}
}

// Fail makes Close reset the connection: an orderly end would mean the end of the file.
// Besides, the kernel would keep offering buffered data to a stalled client for minutes.
func (c *Conn) Fail() {
	c.mu.Lock()
	c.failed = true
	c.mu.Unlock()
	NoLinger(c.tcp)
}

// Close closes the connection, and interrupts a read or write that blocks. Unless Fail was
// called, a TLS connection sends close_notify first (RFC 8446, 6.1). Closing twice is
// harmless.
func (c *Conn) Close() error {
	c.mu.Lock()
	again, failed, protected := c.closed, c.failed, c.tls
	c.closed = true
	c.mu.Unlock()
	switch {
	case failed || protected == nil && !again:
		_ = c.tcp.Close()
	case !again:
		_ = protected.Close() // blocks for up to 5 s if the send buffer is full; Fail and a second Close end that
	}
	return nil
}

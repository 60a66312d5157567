package ftpd

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"sluice/ftpd/internal/control"
	"sluice/ftpd/internal/dataconn"
)

// controlConn is the control connection of a session. One goroutine at a time reads
// command lines from it; any goroutine may write replies.
type controlConn struct {
	tcp   net.Conn      // below TLS; deadlines are set on it
	stall time.Duration // limit of each write; zero: none

	// lastReply is called after each write. If it returns a reply, that is sent and the
	// connection closed; the zero reply does nothing.
	lastReply func() reply

	in control.Input // used by the goroutine that reads

	closing atomic.Bool // closeWith was called: it sends the last reply
	once    sync.Once   // closes the connection

	mu   sync.Mutex // held while replies are written; guards the field below
	conn net.Conn   // tcp, or TLS on it. The goroutine that reads sets it, and may read it without the lock
}

// longAgo is a deadline in the past: it interrupts a read.
var longAgo = time.Unix(1, 0)

// setReadDeadline sets when reading fails with os.ErrDeadlineExceeded; the zero time:
// never. It may be called while a read blocks.
func (c *controlConn) setReadDeadline(deadline time.Time) { _ = c.tcp.SetReadDeadline(deadline) }

// readLine blocks until a whole line has come, or the deadline passes. After
// control.ErrTooLong and control.ErrNUL, which concern one line, reading can go on.
func (c *controlConn) readLine() (string, error) {
	for {
		line, ok, err := c.in.Next()
		if ok {
			return line, err
		}
		n, err := c.conn.Read(c.in.Room())
		c.in.Add(n)
		if err != nil && n == 0 {
			return "", err
		}
	}
}

// readAhead reads into the buffer, so that the end of the connection is noticed while
// no line is wanted. It returns nil when the deadline passes or the buffer is full, and
// else why no more will come.
func (c *controlConn) readAhead() error {
	for !c.in.IsFull() {
		n, err := c.conn.Read(c.in.Room())
		c.in.Add(n)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err == io.EOF && !c.in.IsEmpty(): // the client may still wait for replies
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

var errClearAfterAUTH = errors.New("client sent commands in clear after AUTH")

// startTLS makes the handshake, and blocks until it is done or ctx ends. It fails if
// bytes follow AUTH in clear: an attacker may have injected them, and they must not run
// as if they had been protected (STARTTLS injection).
func (c *controlConn) startTLS(ctx context.Context, config *tls.Config) error {
	if !c.in.IsEmpty() {
		return errClearAfterAUTH
	}
	_ = c.tcp.SetDeadline(time.Time{})
	conn := tls.Server(c.tcp, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = conn
	return nil
}

// tlsState returns the state of TLS; ok is false without TLS. Only the goroutine that
// reads may call it.
func (c *controlConn) tlsState() (state tls.ConnectionState, ok bool) {
	conn, ok := c.conn.(*tls.Conn)
	if ok {
		state = conn.ConnectionState()
	}
	return state, ok
}

// write sends the replies that f returns, in one write. f is called with the lock held,
// so these replies precede any that are written later. write blocks until they are in
// the send buffer, or the client stalls; then it closes the connection, because part of
// a reply may have been sent.
func (c *controlConn) write(f func() []reply) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b []byte
	for _, r := range f() {
		b = r.Append(b)
	}
	if len(b) == 0 {
		return nil
	}
	var deadline time.Time
	if c.stall > 0 {
		deadline = time.Now().Add(c.stall)
	}
	if err := c.tcp.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if c.closing.Load() { // checked after setting the deadline, which closeWith sets too
		return net.ErrClosed
	}
	if _, err := c.conn.Write(b); err != nil {
		dataconn.NoLinger(c.tcp) // otherwise the system would offer the rest to a stalled client for minutes
		_ = c.tcp.Close()
		return err
	}
	if last := c.lastReply(); !last.IsZero() {
		c.closeWithLocked(last)
	}
	return nil
}

// closeWith sends a last reply and closes the connection. It blocks for no longer than
// lastReplyTimeout.
func (c *controlConn) closeWith(r reply) {
	c.closing.Store(true)
	// The deadline also holds for a write under way, which has the lock.
	_ = c.tcp.SetWriteDeadline(time.Now().Add(lastReplyTimeout))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeWithLocked(r)
}

func (c *controlConn) closeWithLocked(r reply) {
	_ = c.tcp.SetWriteDeadline(time.Now().Add(lastReplyTimeout))
	_, _ = c.conn.Write(r.Append(nil))
	c.once.Do(func() { _ = c.conn.Close() })
}

// close closes the connection, and ends a read and a write that block. Closing twice
// is harmless.
func (c *controlConn) close() {
	c.once.Do(func() {
		if !c.mu.TryLock() {
			_ = c.tcp.Close() // another goroutine writes; this ends its write
			return
		}
		defer c.mu.Unlock()
		_ = c.conn.Close() // TLS sends close_notify
	})
}

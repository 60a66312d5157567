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
)

// controlConn is the control connection of a session: lines come from it and
// replies go to it. One goroutine at a time reads; any may write.
type controlConn struct {
	tcp   net.Conn      // to the client; deadlines are set on it
	stall time.Duration // bound of each write; zero: none
	last  func() reply  // is asked after each write whether the client is dismissed with a reply; the zero reply: it is not

	in control.Input // of the goroutine that reads

	leaving atomic.Bool // bye was called: what is written now is the last
	once    sync.Once   // closes the connection

	mu   sync.Mutex // held while replies are written; guards the field below
	conn net.Conn   // tcp, or TLS on it. The goroutine that reads changes it, and reads it without the lock
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// readBy sets until when a line must have come; the zero time: there is no bound.
// It may be called while line blocks.
func (c *controlConn) readBy(deadline time.Time) { _ = c.tcp.SetReadDeadline(deadline) }

// line blocks until there is a whole line, or the deadline passes. Of its errors
// control.ErrTooLong and control.ErrNUL are about that line alone.
func (c *controlConn) line() (string, error) {
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

// hear reads until the deadline is moved, or there is no more room for what the
// client sends; both return nil. Otherwise it returns why no more will come.
func (c *controlConn) hear() error {
	for !c.in.IsFull() {
		n, err := c.conn.Read(c.in.Room())
		c.in.Add(n)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err == io.EOF && !c.in.IsEmpty(): // it has closed its direction, and may wait for the answers
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// errPlain is why TLS cannot start.
var errPlain = errors.New("commands in clear behind AUTH")

// startTLS makes the handshake, and blocks until it is done or ctx ends. What was
// sent in clear ends here: commands that somebody has put behind AUTH must not
// run as if they had been protected.
func (c *controlConn) startTLS(ctx context.Context, config *tls.Config) error {
	if !c.in.IsEmpty() {
		return errPlain
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

// tlsState returns what was negotiated; ok is false in clear. It is for the
// goroutine that reads.
func (c *controlConn) tlsState() (state tls.ConnectionState, ok bool) {
	conn, ok := c.conn.(*tls.Conn)
	if ok {
		state = conn.ConnectionState()
	}
	return state, ok
}

// write sends the replies that f returns with one call, and before anything that
// is written after f was called. It blocks until the client takes them, or stalls:
// then the connection is closed, since half a reply may have gone.
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
	if c.leaving.Load() { // after the deadline is set, so that it does not undo bye's
		return net.ErrClosed
	}
	if _, err := c.conn.Write(b); err != nil {
		_ = c.tcp.Close()
		return err
	}
	if last := c.last(); !last.IsZero() {
		c.byeLocked(last)
	}
	return nil
}

// bye sends a last reply and closes the connection. It blocks no longer than
// farewell.
func (c *controlConn) bye(r reply) {
	c.leaving.Store(true)
	// This bounds a write under way too, which has the lock.
	_ = c.tcp.SetWriteDeadline(time.Now().Add(farewell))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byeLocked(r)
}

func (c *controlConn) byeLocked(r reply) {
	_ = c.tcp.SetWriteDeadline(time.Now().Add(farewell))
	_, _ = c.conn.Write(r.Append(nil))
	c.once.Do(func() { _ = c.conn.Close() })
}

// close closes the connection and ends a read and a write that block. Closing
// twice is harmless.
func (c *controlConn) close() {
	c.once.Do(func() {
		if !c.mu.TryLock() {
			_ = c.tcp.Close() // somebody writes, and is not waited for
			return
		}
		defer c.mu.Unlock()
		_ = c.conn.Close() // in TLS the client is told
	})
}

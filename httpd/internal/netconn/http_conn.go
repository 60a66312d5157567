package netconn

import (
	"io"
	"net"
	"sync/atomic"
	"time"

	"sluice/sendfile"
)

// HTTPConn is a Conn as net/http sees it, below TLS if there is any. It does three
// things that net/http does not do: it reads again what the fast path has read,
// bounds each wait for the client but not the response, and sends files by the
// fastest method.
type HTTPConn struct {
	conn    *Conn
	first   []byte        // was read before, and is read again
	stall   time.Duration // longest wait in which the client takes nothing; zero: none
	sniffer *ErrorSniffer // nil: TLS is spoken above this connection, and has it
	empty   emptyLines
	ended   atomic.Bool   // the client has ended its side, in order
	sends   atomic.Uint64 // calls of Write and ReadFrom, twice those that have ended: odd while one runs
	body    io.ReadCloser // of the last request that has one of known length
	detour  detour        // of the next Read into a certain memory
	flood   flood
}

// NewHTTPConn returns a connection that reads first before everything else. stall is
// the longest wait in which the client takes nothing of a response; zero is no bound.
// sniffer is nil if TLS is spoken above the connection.
func NewHTTPConn(c *Conn, first []byte, stall time.Duration, sniffer *ErrorSniffer) *HTTPConn {
	return &HTTPConn{conn: c, first: first, stall: stall, sniffer: sniffer}
}

// SetSniffer is for a connection above which TLS was meant to be spoken, and is not.
func (c *HTTPConn) SetSniffer(s *ErrorSniffer) { c.sniffer = s }

// Conn returns the accepted connection.
func (c *HTTPConn) Conn() *Conn { return c.conn }

// StallTimeout returns the longest wait in which the client takes nothing; zero is
// no bound.
func (c *HTTPConn) StallTimeout() time.Duration { return c.stall }

// HasEnded reports whether the client has ended its side, and may still want the response.
func (c *HTTPConn) HasEnded() bool { return c.ended.Load() }

// Sends returns a number that changes with each call that sends something, and whether one is sending now.
func (c *HTTPConn) Sends() (n uint64, isSending bool) {
	n = c.sends.Load()
	return n, n%2 == 1
}

// Read implements net.Conn.
func (c *HTTPConn) Read(p []byte) (int, error) {
	if c.sniffer == nil {
		return c.read(p)
	}
	n, err := c.empty.readBy(c.read, p)
	if err == io.EOF { //nolint:errorlint // a cut connection is another error, which may wrap it
		c.ended.Store(true)
	}
	return n, err
}

func (c *HTTPConn) read(p []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(p, c.first)
		if c.first = c.first[n:]; len(c.first) == 0 {
			c.first = nil
		}
		return n, nil
	}
	if take := c.takes(p); take != nil {
		return take(len(p))
	}
	n, err := c.conn.Read(p)
	if flooded := c.flood.take(n); flooded != nil {
		return 0, flooded // net/http closes the connection
	}
	return n, err
}

// Write implements net.Conn.
func (c *HTTPConn) Write(p []byte) (int, error) {
	c.sends.Add(1)
	defer c.sends.Add(1)
	c.sniffer.written(p)
	res, err := c.conn.SendBytes(p, sendfile.Options{Timeout: c.stall})
	c.flood.sent.Add(res.Sent)
	return int(res.Sent), err
}

// ReadFrom sends a FilePart by the best method, and copies anything else. The
// ReadFrom of net/http's ResponseWriter calls it.
func (c *HTTPConn) ReadFrom(r io.Reader) (int64, error) {
	part, ok := r.(*FilePart)
	if !ok {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	c.sends.Add(1)
	defer c.sends.Add(1)
	return part.sendTo(c.conn)
}

// CloseWrite lets net/http end a response with a FIN before it closes, so
// that the client reads all of it even when it has sent more than we read.
func (c *HTTPConn) CloseWrite() error { return c.conn.CloseWrite() }

// The other methods of net.Conn.

func (c *HTTPConn) Close() error                       { return c.conn.Close() }
func (c *HTTPConn) LocalAddr() net.Addr                { return c.conn.LocalAddr() }
func (c *HTTPConn) RemoteAddr() net.Addr               { return c.conn.RemoteAddr() }
func (c *HTTPConn) SetDeadline(t time.Time) error      { return c.conn.SetDeadline(t) }
func (c *HTTPConn) SetReadDeadline(t time.Time) error  { return c.conn.SetReadDeadline(t) }
func (c *HTTPConn) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }

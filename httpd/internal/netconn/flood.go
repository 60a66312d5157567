package netconn

import (
	"errors"
	"sync/atomic"
)

// ErrFlood is why a connection of HTTP/2 was closed that has sent frames without end which
// are neither requests nor their bodies: SETTINGS, PING, PRIORITY, frames of streams that
// have ended. net/http answers or drops each of these, which costs a client nothing and us a
// processor. It closes a connection itself only if the client reads none of 10,000 answers.
var ErrFlood = errors.New("the client sends frames without end")

// flood counts what a client sends on a connection of HTTP/2, below TLS. That is bounded by
// what it gets and asks for: window updates are a small part of a response, while each
// SETTINGS or PING is answered by as much.
type flood struct {
	bounded  atomic.Bool
	received atomic.Int64 // bytes
	sent     atomic.Int64
	granted  atomic.Int64 // bytes, for requests and what was read of their bodies
}

const (
	floodBase    = 4 << 20  // four times the window that a client has before anything is read
	floodRequest = 64 << 10 // the longest head, twice
	floodShare   = 4        // of what was sent, one byte in so many may be received
)

// BoundFrames closes the connection with HTTP/2, which begins now, if the client sends
// frames without end.
func (c *HTTPConn) BoundFrames() { c.flood.bounded.Store(true) }

// GrantRequest lets the client send a request with a body of size bytes, negative if that is
// not known, of which up to a window may come that nobody reads.
func (c *HTTPConn) GrantRequest(size int64) {
	const window = 1 << 20
	if size < 0 {
		size = window
	}
	c.flood.granted.Add(floodRequest + min(size, window))
}

// GrantBody lets the client send as much as was read of a body, and the padding and heads of its
// frames.
func (c *HTTPConn) GrantBody(n int64) { c.flood.granted.Add(2 * n) }

// take counts n received bytes and returns ErrFlood if these are too many.
func (f *flood) take(n int) error {
	if !f.bounded.Load() {
		return nil
	}
	if f.received.Add(int64(n)) > floodBase+f.sent.Load()/floodShare+f.granted.Load() {
		return ErrFlood
	}
	return nil
}

package dataconn

import (
	"context"
	"net"
	"sync"
)

// Source opens the next data connection. The session closes it. All methods but Open may
// be called while Open blocks.
type Source interface {
	// Open returns a connection; Close of the source closes it. It blocks until the
	// connection is open, or fails. If ctx ends, the error need not be that of ctx.
	Open(ctx context.Context) (*Conn, error)

	// IsConnected reports whether Open would return a connection without waiting.
	IsConnected() bool

	// Fail makes Close reset an open connection: an orderly end would mean the end of
	// the file.
	Fail()

	// Close closes the connection, and interrupts Open of a passive source; for an
	// active one, end the context of Open. Closing twice is harmless.
	Close()
}

// slot holds the connection that a Source has opened.
type slot struct {
	mu     sync.Mutex // guards the fields below
	conn   *Conn      // nil before Open
	closed bool
}

// fill takes tcp over. If the source is closed, it resets tcp and returns an error.
func (s *slot) fill(tcp net.Conn) (*Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		reset(tcp)
		return nil, net.ErrClosed
	}
	s.conn = &Conn{tcp: tcp}
	return s.conn, nil
}

// Fail implements Source.
func (s *slot) Fail() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.Fail()
	}
}

// shut closes the connection, and reports whether this was the first call.
func (s *slot) shut() bool {
	s.mu.Lock()
	conn, first := s.conn, !s.closed
	s.closed = true
	s.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
	return first
}

// reset closes tcp with a reset. Unsent data is dropped.
func reset(tcp net.Conn) {
	NoLinger(tcp)
	_ = tcp.Close()
}

// NoLinger makes closing tcp reset the connection, if it has SetLinger. A wrapper by the
// operator (Pool.Wrap) may hide that.
func NoLinger(tcp net.Conn) {
	if l, ok := tcp.(interface{ SetLinger(sec int) error }); ok {
		_ = l.SetLinger(0)
	}
}

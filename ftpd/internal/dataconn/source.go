package dataconn

import (
	"context"
	"net"
	"sync"
)

// Source is where the next data connection comes from. It is closed by whoever
// has it last. All but Open may be called while Open blocks.
type Source interface {
	// Open gives one connection, which the source closes. It blocks until there
	// is one or none can be had any more, of which ctx is one reason: then the
	// error is not that of ctx.
	Open(ctx context.Context) (*Conn, error)

	// IsConnected reports whether Open would give a connection without waiting.
	IsConnected() bool

	// Fail makes Close reset a connection that is open: an orderly end would be
	// the end of the file.
	Fail()

	// Close closes the connection, and ends an Open on a port of ours; on one of
	// the client's, its context does. Closing twice is harmless.
	Close()
}

// slot is where a Source keeps the connection that it has given.
type slot struct {
	mu     sync.Mutex // guards the fields below
	conn   *Conn      // nil before Open
	closed bool
}

// fill takes tcp over, which is reset if the source is closed.
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

// shut closes the connection and reports whether it is the first to do so.
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

// reset closes tcp without waiting for anything it has to send.
func reset(tcp net.Conn) {
	NoLinger(tcp)
	_ = tcp.Close()
}

// NoLinger makes tcp end with a reset, if it is a TCP connection: what an operator
// has wrapped may not let us.
func NoLinger(tcp net.Conn) {
	if l, ok := tcp.(interface{ SetLinger(sec int) error }); ok {
		_ = l.SetLinger(0)
	}
}

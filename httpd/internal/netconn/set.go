package netconn

import (
	"context"
	"sync"
)

// Set is the connections of a server, except those that net/http serves. The zero
// value is empty.
type Set struct {
	mu     sync.Mutex // guards the fields below
	conns  map[*Conn]struct{}
	closed bool          // Add adds nothing any more
	empty  chan struct{} // closed when conns is empty; nil: nobody waits
}

// Add reports whether the connection was added; it is not after Close.
func (s *Set) Add(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.conns == nil {
		s.conns = make(map[*Conn]struct{})
	}
	s.conns[c] = struct{}{}
	return true
}

// Remove removes a connection.
func (s *Set) Remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if len(s.conns) == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

// Close makes Add fail from now on, and calls end for each connection.
func (s *Set) Close(end func(*Conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.conns {
		end(c)
	}
}

// Wait waits until there is no connection left, or for the end of ctx.
func (s *Set) Wait(ctx context.Context) error {
	s.mu.Lock()
	if len(s.conns) == 0 {
		s.mu.Unlock()
		return nil
	}
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	empty := s.empty
	s.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

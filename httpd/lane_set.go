package httpd

import (
	"context"
	"sync"
)

// laneSet is the lanes of a server.
type laneSet struct {
	mu     sync.Mutex // guards the fields below
	all    map[*lane]struct{}
	closed bool          // nobody is let in any more
	empty  chan struct{} // closed when all is empty; nil: nobody waits
}

// add reports whether the lane was let in.
func (s *laneSet) add(l *lane) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.all == nil {
		s.all = make(map[*lane]struct{})
	}
	s.all[l] = struct{}{}
	return true
}

func (s *laneSet) remove(l *lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, l)
	if len(s.all) == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

// close lets nobody in any more and calls end for each lane there is.
func (s *laneSet) close(end func(*lane)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for l := range s.all {
		end(l)
	}
}

// wait waits until there is no lane left, or for the end of ctx.
func (s *laneSet) wait(ctx context.Context) error {
	s.mu.Lock()
	if len(s.all) == 0 {
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

package live

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// watchList has the sessions with a transfer, and those that had one in the last second
// or two and have not left. They have the flag watched. Idle sessions are not in it, so
// that the timer's work does not grow with their number.
type watchList struct {
	mu        sync.Mutex // guards the fields below; may be taken while a session is locked
	sessions  map[*Session]struct{}
	scheduled bool // a timer will call sampleStuck; always so while there are sessions
}

func (w *watchList) scheduleLocked() {
	w.scheduled = true
	time.AfterFunc(stuckAfter, w.sampleStuck)
}

// sampleStuck samples the transfers that had no progress for a second.
func (w *watchList) sampleStuck() {
	w.mu.Lock()
	all := slices.Collect(maps.Keys(w.sessions))
	w.mu.Unlock()
	for _, s := range all {
		s.sampleStuck()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.sessions) > 0 {
		w.scheduleLocked()
	} else {
		w.sessions, w.scheduled = nil, false // the room of the map is freed too
	}
}

// watchLocked adds the session to the list.
func (s *Session) watchLocked() {
	if s.flags&watched != 0 {
		return
	}
	s.flags |= watched
	w := &s.registry.watched
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sessions == nil {
		w.sessions = make(map[*Session]struct{})
	}
	w.sessions[s] = struct{}{}
	if !w.scheduled {
		w.scheduleLocked()
	}
}

// unwatchLocked removes the session from the list. The sampler is dropped, because the
// session may be idle for long.
func (s *Session) unwatchLocked() {
	if s.flags&watched == 0 {
		return
	}
	s.flags &^= watched
	s.sampler = nil
	w := &s.registry.watched
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.sessions, s)
}

// sampleStuck samples the connections of stuck transfers. A session without transfers
// is removed from the list.
func (s *Session) sampleStuck() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == nil {
		s.unwatchLocked()
	}
	for t := s.first; t != nil; t = t.next {
		at := time.Since(t.begun)
		if at-time.Duration(t.updated.Load()) >= stuckAfter*9/10 { // the timer is not exact
			t.updateLocked(at)
		}
	}
}

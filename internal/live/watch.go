package live

import "time"

// watchOver counts one more transfer and sees to it that those which are stuck
// are looked at. As long as there are transfers, a timer of the runtime calls
// watch once a second.
func (r *Registry) watchOver() {
	r.running.Add(1)
	r.watchAgain()
}

func (r *Registry) watchAgain() {
	if !r.watching.Load() && r.watching.CompareAndSwap(false, true) {
		time.AfterFunc(stuckAfter, r.watch)
	}
}

// watch looks at the transfers of which nobody has heard for a second.
func (r *Registry) watch() {
	for _, s := range r.all() {
		s.look()
	}
	r.watching.Store(false)
	if r.running.Load() > 0 { // or else Begin has counted after this and finds nobody watching
		r.watchAgain()
	}
}

// look samples the connections of transfers that are stuck. A session without
// transfers gives back what it took to sample it: it may be idle for long.
func (s *Session) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == nil {
		s.tap = nil
	}
	for t := s.first; t != nil; t = t.next {
		at := time.Since(t.begun)
		if at-time.Duration(t.noted.Load()) >= stuckAfter*9/10 { // the ticks are not exact
			t.noteLocked(at)
		}
	}
}

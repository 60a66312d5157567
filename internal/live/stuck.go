package live

import "time"

// countRunning counts one more running transfer. While there are any, a timer calls
// sampleStuck once a second.
func (r *Registry) countRunning() {
	r.running.Add(1)
	r.scheduleWatch()
}

func (r *Registry) scheduleWatch() {
	if !r.watchScheduled.Load() && r.watchScheduled.CompareAndSwap(false, true) {
		time.AfterFunc(stuckAfter, r.sampleStuck)
	}
}

// sampleStuck samples the transfers that had no progress for a second.
func (r *Registry) sampleStuck() {
	for _, s := range r.all() {
		s.sampleStuck()
	}
	r.watchScheduled.Store(false)
	if r.running.Load() > 0 { // else a later Begin schedules it: watchScheduled is false
		r.scheduleWatch()
	}
}

// sampleStuck samples the connections of stuck transfers. A session without
// transfers drops its sampler, because it may be idle for long.
func (s *Session) sampleStuck() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == nil {
		s.sampler = nil
	}
	for t := s.first; t != nil; t = t.next {
		at := time.Since(t.begun)
		if at-time.Duration(t.updated.Load()) >= stuckAfter*9/10 { // the timer is not exact
			t.updateLocked(at)
		}
	}
}

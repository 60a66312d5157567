package ftpd

import "time"

// timerKind names a time limit of a session.
type timerKind int

const (
	loginTimer   timerKind = iota // LoginTimeout
	sessionTimer                  // SessionTimeout
	timerCount
)

// setTimer calls f after d, on a goroutine of its own, unless the timer is set again
// or stopped before, or the session ends.
func (s *session) setTimer(kind timerKind, d time.Duration, f func()) {
	if d <= 0 { // no limit
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.timers[kind]; t != nil {
		t.Reset(d)
		return
	}
	s.timers[kind] = time.AfterFunc(d, f)
}

func (s *session) stopTimer(kind timerKind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopTimerLocked(kind)
}

func (s *session) stopTimerLocked(kind timerKind) {
	if t := s.timers[kind]; t != nil {
		t.Stop()
	}
}

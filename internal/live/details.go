package live

import "sync/atomic"

// details are what FTP sessions, uploads and logins need.
type details struct {
	sent     [methods]atomic.Uint64 // bytes, by the methods that Session.sent lacks
	received [methods]atomic.Uint64

	// The session's lock guards the fields below.
	user  string
	shown Protocol // of now; Session.counted without details
}

// withDetails returns the details, and makes them the first time.
func (s *Session) withDetails() *details {
	if d := s.details.Load(); d != nil {
		return d
	}
	s.details.CompareAndSwap(nil, &details{shown: s.counted})
	return s.details.Load()
}

// shownLocked returns the protocol that is shown.
func (s *Session) shownLocked() Protocol {
	if d := s.details.Load(); d != nil {
		return d.shown
	}
	return s.counted
}

func (s *Session) userLocked() string {
	if d := s.details.Load(); d != nil {
		return d.user
	}
	return ""
}

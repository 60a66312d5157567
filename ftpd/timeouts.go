package ftpd

import "time"

// delays are times without a setting. Zero means the default; tests shorten them.
type delays struct {
	reader time.Duration // least time between reply 150 and the final reply
}

func (d delays) beforeFinal() time.Duration { return orDefault(d.reader, 20*time.Millisecond) }

// lastReplyTimeout bounds the wait for a client that does not read its last reply.
const lastReplyTimeout = time.Second

// Each of these resolves the field of that name; zero means no limit.

func (s *Server) stallTimeout() time.Duration { return bound(s.StallTimeout, 5*time.Minute) }
func (s *Server) idleTimeout() time.Duration  { return bound(s.IdleTimeout, 5*time.Minute) }
func (s *Server) loginTimeout() time.Duration { return bound(s.LoginTimeout, time.Minute) }
func (s *Server) acceptTimeout() time.Duration {
	return orDefault(max(s.AcceptTimeout, 0), 30*time.Second)
}

// bound returns d, or fallback if d is zero, or zero if d is negative.
func bound(d, fallback time.Duration) time.Duration { return max(orDefault(d, fallback), 0) }

func orDefault(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}

package ftpd

import "time"

// waits are the times that no user has to choose. Zero means the default;
// tests shorten them.
type waits struct {
	badLogin time.Duration // before the first failed login of an address is answered
	ban      time.Duration // that failed logins of an address are remembered
	reader   time.Duration // that clients have to read reply 150, and it alone
}

func (w waits) afterBadLogin() time.Duration { return or(w.badLogin, time.Second) }
func (w waits) forBan() time.Duration        { return or(w.ban, 10*time.Minute) }
func (w waits) forReader() time.Duration     { return or(w.reader, 20*time.Millisecond) }

// farewell bounds the wait for a client that does not take its last reply.
const farewell = time.Second

// Each of these resolves the field of that name; zero means no bound.

func (s *Server) stallTimeout() time.Duration  { return bound(s.StallTimeout, time.Minute) }
func (s *Server) idleTimeout() time.Duration   { return bound(s.IdleTimeout, 5*time.Minute) }
func (s *Server) loginTimeout() time.Duration  { return bound(s.LoginTimeout, time.Minute) }
func (s *Server) acceptTimeout() time.Duration { return or(max(s.AcceptTimeout, 0), 30*time.Second) }

// bound returns d, or the default if it is zero, or zero if it is negative.
func bound(d, fallback time.Duration) time.Duration { return max(or(d, fallback), 0) }

func or(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}

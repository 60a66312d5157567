package ftpd

import "time"

// waits are the times that no user has to choose. Zero means the default;
// tests shorten them.
type waits struct {
	badLogin time.Duration // before a failed login is answered
	login    time.Duration // from connecting to being logged in
	dataConn time.Duration // for the client to open a data connection, or to accept ours
}

func (w waits) afterBadLogin() time.Duration { return or(w.badLogin, time.Second) }
func (w waits) forLogin() time.Duration      { return or(w.login, time.Minute) }
func (w waits) forDataConn() time.Duration   { return or(w.dataConn, 10*time.Second) }

const (
	// lastReply is how long a session that is to end waits for the final
	// reply of its transfer, which an aborted one has had already.
	lastReply = time.Second

	// farewell bounds the wait for a client that does not take its last reply.
	farewell = time.Second

	// lastResort is how long the library may take to notice that its
	// connections are gone before it is told.
	lastResort = 2 * time.Second
)

// stallTimeout resolves Server.StallTimeout; zero means no bound.
func (s *Server) stallTimeout() time.Duration {
	return max(or(s.StallTimeout, time.Minute), 0)
}

// idleSeconds resolves Server.IdleTimeout for the library; negative means no
// bound.
func (s *Server) idleSeconds() int {
	idle := or(s.IdleTimeout, 5*time.Minute)
	if idle < 0 {
		return -1
	}
	return int((idle + time.Second - 1) / time.Second)
}

func or(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}

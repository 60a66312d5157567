package ftpd

import (
	"net"
	"net/netip"
	"time"

	"sluice/internal/live"
	"sluice/internal/proxyhead"
)

// startSession starts a session for conn, or refuses it. It takes conn over. through has the addresses that a proxy has
// named; zero: there is none.
func (s *Server) startSession(conn net.Conn, through proxyhead.Addrs, implicit bool) {
	sess, err := newSession(s, conn, through, implicit)
	if err != nil {
		_ = conn.Close()
		return
	}
	refusal := s.admit(sess)
	if refusal.IsZero() {
		go sess.serve()
		return
	}
	if !implicit { // a TLS client would not understand it
		_ = conn.SetWriteDeadline(time.Now().Add(lastReplyTimeout))
		_, _ = conn.Write(refusal.Append(nil))
	}
	_ = conn.Close()
}

// admit registers a session, or returns the reply that refuses it. Each success needs
// a forgetSession.
func (s *Server) admit(sess *session) (refusal reply) {
	client := live.Client{Protocol: live.FTP, Remote: sess.remote, Conn: sess.control.tcp}
	if sess.implicit {
		client.Protocol = live.FTPS
	}
	_, refusal = s.enter(client, sess.host, func(entered *live.Session) trackedSession {
		sess.live, sess.id = entered, entered.ID()
		return sess
	})
	return refusal
}

// enter registers a client at host, or returns the reply that refuses it. It calls
// begin to make the session. Each success needs a forgetSession.
func (s *Server) enter(client live.Client, host netip.Addr, begin func(*live.Session) trackedSession) (*live.Session, reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, replyShutdown
	}
	entered, err := live.Enter(s.registry, client)
	switch err {
	case nil:
	case live.ErrTooManyFromAddr:
		return nil, newReply(421, "Too many clients from your address")
	default:
		return nil, newReply(421, "Too many clients, try again later")
	}
	s.sessions[begin(entered)] = struct{}{}
	s.running.Add(1)
	return entered, reply{}
}

func (s *Server) forgetSession(sess trackedSession, entered *live.Session) {
	entered.Leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sess)
	s.running.Done()
}

package ftpd

import (
	"net"
	"net/netip"
	"time"

	"sluice/internal/live"
)

// welcome starts the session of conn, which it takes over, or refuses it.
func (s *Server) welcome(conn net.Conn, implicit bool) {
	sess, err := newSession(s, conn, implicit)
	if err != nil {
		_ = conn.Close()
		return
	}
	refusal := s.admit(sess)
	if refusal.IsZero() {
		go sess.serve()
		return
	}
	if !implicit { // or it would not be understood
		_ = conn.SetWriteDeadline(time.Now().Add(farewell))
		_, _ = conn.Write(refusal.Append(nil))
	}
	_ = conn.Close()
}

// admit counts a session, or returns why it must not be. Each success needs a
// forgetSession.
func (s *Server) admit(sess *session) (refusal reply) {
	client := live.Client{Protocol: live.FTP, Remote: sess.control.tcp.RemoteAddr(), Conn: sess.control.tcp}
	if sess.implicit {
		client.Protocol = live.FTPS
	}
	_, refusal = s.enter(client, sess.host, func(entered *live.Session) sessionOf {
		sess.live, sess.id = entered, entered.ID()
		return sess
	})
	return refusal
}

// enter counts a client at host, whose session is made by begin, or returns why it
// must not be. Each success needs a forgetSession.
func (s *Server) enter(client live.Client, host netip.Addr, begin func(*live.Session) sessionOf) (*live.Session, reply) {
	banned := s.guesses.banned(host, s.waits)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing:
		return nil, replyShutdown
	case banned:
		return nil, replyBanned
	}
	entered, err := live.Enter(s.registry, client)
	switch err {
	case nil:
	case live.ErrTooManyFromAddr:
		return nil, say(421, "Too many clients from your address")
	default:
		return nil, say(421, "Too many clients, try again later")
	}
	s.sessions[begin(entered)] = struct{}{}
	s.running.Add(1)
	return entered, reply{}
}

func (s *Server) forgetSession(sess sessionOf, entered *live.Session) {
	entered.Leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sess)
	s.running.Done()
}

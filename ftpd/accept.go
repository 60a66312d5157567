package ftpd

import (
	"net"
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
func (s *Server) admit(sess *session) reply {
	client := live.Client{Protocol: live.FTP, Remote: sess.control.tcp.RemoteAddr(), Conn: sess.control.tcp}
	if sess.implicit {
		client.Protocol = live.FTPS
	}
	banned := s.guesses.banned(sess.host, s.waits)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing:
		return replyShutdown
	case banned:
		return replyBanned
	}
	var err error
	switch sess.live, err = live.Enter(s.registry, client); err {
	case nil:
	case live.ErrTooManyFromAddr:
		return say(421, "Too many clients from your address")
	default:
		return say(421, "Too many clients, try again later")
	}
	sess.id = sess.live.ID()
	s.sessions[sess] = struct{}{}
	s.running.Add(1)
	return reply{}
}

func (s *Server) forgetSession(sess *session) {
	sess.live.Leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sess)
	s.running.Done()
}

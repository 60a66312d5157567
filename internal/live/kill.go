package live

import (
	"net"
	"slices"
)

// Kill closes the connections of a session and reports whether there is a session
// with that ID. The server then ends it.
func (r *Registry) Kill(id uint64) bool {
	for _, s := range r.all() {
		if s.id == id {
			s.Kill()
			return true
		}
	}
	return false
}

// Kill closes the connections of the session. The server then ends it.
func (s *Session) Kill() {
	for _, c := range s.markKilled() {
		_ = c.Close()
	}
}

// markKilled marks the session as killed and returns the connections to close.
func (s *Session) markKilled() []net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flags |= killed
	var conns []net.Conn
	for t := s.first; t != nil; t = t.next {
		conns = append(conns, t.conn)
	}
	return slices.DeleteFunc(append(conns, s.conn), func(c net.Conn) bool { return c == nil })
}

// SetConn replaces Client.Conn, for a caller that hands the connection over as another
// net.Conn. From then on Kill closes c and Transfers sample c. If the session was killed
// before, SetConn closes c. A Kill at the same moment may close the former connection
// after SetConn, so that must be harmless.
func (s *Session) SetConn(c net.Conn) {
	if s.isEntered() && s.replaceConn(c) && c != nil {
		_ = c.Close()
	}
}

// replaceConn sets the connection and reports whether the session was killed before.
func (s *Session) replaceConn(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn, s.sampler = c, nil
	for t := s.first; t != nil; t = t.next {
		if t.conn == nil {
			t.sampler = nil // of the former connection
		}
	}
	return s.flags&killed != 0
}

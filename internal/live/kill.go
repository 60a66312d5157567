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
			for _, c := range s.markKilled() {
				_ = c.Close()
			}
			return true
		}
	}
	return false
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

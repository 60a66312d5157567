package ftpd

import (
	"errors"
	"net"
	"net/netip"
	"slices"

	"sluice/internal/live"
)

// Why no data connection is opened to a port that a client names (RFC 2577, 3): no client is to make the server speak
// to somebody else, to a service, or to what only this host can reach.
var (
	errNotYours = errors.New("that is not your address")
	errService  = errors.New("that port is below 1024")
	errOwnHost  = errors.New("that is an address of this server")
	errOwnPort  = errors.New("this server listens on that port")
)

// checkActive returns why no data connection may be opened to the port to that the client names. It is asked when the
// client names the port, and again when the connection is opened: by then the port may be ours.
func (s *session) checkActive(to netip.AddrPort) error {
	client := s.remote.Addr().WithZone("")
	policy := s.server.policy
	switch {
	case to.Addr() != client && !policy.anyActive:
		return errNotYours
	case to.Port() < 1024:
		return errService
	}
	isLocal, err := s.server.isOwnAddr(to.Addr(), s.local.Addr())
	switch {
	case err != nil:
		return err
	case isLocal && !s.server.LocalActive && !policy.localActive:
		return errOwnHost
	case isLocal && s.server.listensOn(to.Port()):
		return errOwnPort
	}
	return nil
}

// isOwnAddr reports whether connections to addr end on this host; local is another of its addresses. It is an error if
// the system does not tell.
func (s *Server) isOwnAddr(addr, local netip.Addr) (bool, error) {
	isAddr := func(own netip.Addr) bool { return own.Unmap().WithZone("") == addr }
	isPublic := func(p PublicAddr) bool { return isAddr(p.Addr) } // a router may send them back to us
	if addr.IsLoopback() || addr.IsUnspecified() || isAddr(local) || slices.ContainsFunc(s.PublicAddrs, isPublic) {
		return true, nil
	}
	own, err := hostAddrs()
	if err != nil {
		return false, errors.New("the addresses of this server are not known")
	}
	return slices.ContainsFunc(own, isAddr), nil
}

// listensOn reports whether this process listens on a port, as far as it is known: on which of the addresses of this
// host does not matter.
func (s *Server) listensOn(port uint16) bool {
	if s.ports.Listens(port) {
		return true
	}
	isOn := func(addr net.Addr) bool { return live.AddrPortOf(addr).Port() == port }
	if s.Listening != nil && slices.ContainsFunc(s.Listening(), isOn) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for ln := range s.listeners {
		if isOn((*ln).Addr()) {
			return true
		}
	}
	return false
}

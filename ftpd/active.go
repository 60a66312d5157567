package ftpd

import (
	"errors"
	"net"
	"net/netip"
	"slices"

	"sluice/internal/live"
)

// Reasons to refuse the port of PORT or EPRT (RFC 2577, 3): a client must not make the server send data to another
// host, to a service, or to a program that only this host can reach.
var (
	errNotYours = errors.New("that is not your address")
	errService  = errors.New("that port is below 1024")
	errOwnHost  = errors.New("that is an address of this server")
	errOwnPort  = errors.New("this server listens on that port")
)

// checkActive returns why no data connection may be opened to the address to, which the client has named; nil: it may.
// It is called for PORT and EPRT, and again before the connection is opened, because this server may listen on the port
// by then.
func (s *session) checkActive(to netip.AddrPort) error {
	client := s.remote.Addr().WithZone("")
	policy := s.server.policy
	switch {
	case to.Addr() != client && !policy.anyActive:
		return errNotYours
	case to.Port() < 1024:
		return errService
	}
	isLocal, err := s.server.isOwnAddr(to.Addr(), s.local.Addr(), s.reached.Addr())
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

// isOwnAddr reports whether connections to addr end on this host; known are some of its addresses. It returns an error if
// the system does not list the addresses.
func (s *Server) isOwnAddr(addr netip.Addr, known ...netip.Addr) (bool, error) {
	isAddr := func(own netip.Addr) bool { return own.Unmap().WithZone("") == addr }
	isPublic := func(p PublicAddr) bool { return isAddr(p.Addr) } // a router may send connections to it back here
	if addr.IsLoopback() || addr.IsUnspecified() || slices.ContainsFunc(known, isAddr) || slices.ContainsFunc(s.PublicAddrs, isPublic) {
		return true, nil
	}
	own, err := hostAddrs()
	if err != nil {
		return false, errors.New("the addresses of this server are not known")
	}
	return slices.ContainsFunc(own, isAddr), nil
}

// listensOn reports whether this process is known to listen on a port, on any address of this host.
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

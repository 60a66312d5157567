package ftpd

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"sluice/ftpd/internal/dataconn"
)

// PublicAddr is the address at which the clients of a network reach this host, if that
// is not the address of its own socket: behind a router that translates addresses, or in
// a container.
type PublicAddr struct {
	Clients netip.Prefix // the zero Prefix: all clients
	Addr    netip.Addr   // IPv4; the zero Addr: the local address of the control connection
}

// publicAddr returns the address for PASV to announce, from the driver or from
// PublicAddrs.
func (s *session) publicAddr() (netip.Addr, error) {
	if addr, ok, err := s.server.driver.publicAddr(s); ok {
		return addr.Unmap(), err
	}
	return s.server.publicAddrOf(s.remote.Addr(), s.reached.Addr()), nil
}

// publicAddrOf returns the address for the client remote: from the first entry of
// PublicAddrs whose network contains it, or else local.
func (s *Server) publicAddrOf(remote, local netip.Addr) netip.Addr {
	for _, p := range s.PublicAddrs {
		if p.Clients == (netip.Prefix{}) || p.Clients.Contains(remote) {
			if p.Addr.IsValid() {
				return p.Addr
			}
			break
		}
	}
	return local
}

// CheckPassive looks for settings that keep clients from opening passive data connections
// to a server that will listen on addr. It returns warnings of one line each. Call it
// before the first Serve: it binds ports of PassivePorts for a moment.
func (s *Server) CheckPassive(addr netip.Addr) []string {
	warnings := s.checkPorts(addr)
	if len(s.PublicAddrs) == 0 {
		return append(warnings, checkAnnounced(addr)...)
	}
	for _, p := range s.PublicAddrs {
		switch {
		case p.Addr.IsValid() && !p.Addr.Is4():
			warnings = append(warnings, fmt.Sprintf("the public address %s is no IPv4 address; IPv6 clients need none", p.Addr))
		case p.Addr.IsPrivate() && (p.Clients == (netip.Prefix{}) || p.Clients.Bits() == 0):
			warnings = append(warnings, fmt.Sprintf("the public address %s is a private one: clients elsewhere cannot reach it", p.Addr))
		}
	}
	return warnings
}

// checkAnnounced returns warnings about the addresses that PASV announces without
// PublicAddrs.
func checkAnnounced(addr netip.Addr) []string {
	addrs := []netip.Addr{addr}
	if addr.IsUnspecified() {
		addrs, _ = hostAddrs()
	}
	var private []string
	for _, a := range addrs {
		switch a = a.Unmap(); {
		case a.IsLoopback() || a.IsLinkLocalUnicast() || !a.Is4():
		case !a.IsPrivate():
			return nil // clients elsewhere are likely to come that way
		default:
			private = append(private, a.String())
		}
	}
	if len(private) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("PASV announces the private address %s: clients behind another router need a public one, or EPSV",
		strings.Join(private, ", "))}
}

// hostAddrs returns the addresses of this host.
func hostAddrs() ([]netip.Addr, error) {
	nets, err := net.InterfaceAddrs()
	var addrs []netip.Addr
	for _, n := range nets {
		if prefix, err := netip.ParsePrefix(n.String()); err == nil {
			addrs = append(addrs, prefix.Addr())
		}
	}
	return addrs, err
}

// PortsInUse returns how many passive ports wait for a client, on all addresses together,
// and how many there are on each address; 0: the system chooses the ports.
func (s *Server) PortsInUse() (used, total int) { return s.ports.InUse(), s.PassivePorts.Size() }

// fewPorts is the size of PassivePorts below which CheckPassive warns: each client
// occupies a port from PASV until it connects.
const fewPorts = 10

// checkPorts returns warnings about PassivePorts.
func (s *Server) checkPorts(addr netip.Addr) []string {
	r := s.PassivePorts
	switch {
	case r == (PortRange{}):
		return nil
	case r.First == 0 || r.Last < r.First:
		return []string{fmt.Sprintf("the passive ports %d-%d are an empty range", r.First, r.Last)}
	}
	taken := 0
	for n := range min(r.Size(), 100) { // a sample is enough
		ln, err := dataconn.Listen(netip.AddrPortFrom(addr, r.First+uint16(n)))
		if err != nil {
			taken++
			continue
		}
		_ = ln.Close()
	}
	var warnings []string
	switch {
	case taken == r.Size() || taken == 100:
		warnings = append(warnings, fmt.Sprintf("none of the passive ports %d-%d can be bound", r.First, r.Last))
	case taken > 0:
		warnings = append(warnings, fmt.Sprintf("%d of the passive ports %d-%d cannot be bound", taken, r.First, r.Last))
	}
	if r.Size() < fewPorts {
		warnings = append(warnings, fmt.Sprintf("%d passive ports are few: a client holds one from PASV until it connects", r.Size()))
	}
	return warnings
}

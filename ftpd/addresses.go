package ftpd

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"sluice/ftpd/internal/dataconn"
)

// PublicAddr is the address under which clients of a network reach this host,
// where that is not the one they have connected to: behind a router that
// translates addresses, or in a container.
type PublicAddr struct {
	Clients netip.Prefix // the zero Prefix: all
	Addr    netip.Addr   // IPv4; the zero Addr: the one that the client has connected to
}

// publicAddr returns the address that PASV tells the client: that which a driver
// tells, or the server.
func (s *session) publicAddr() (netip.Addr, error) {
	if addr, ok, err := s.server.driver.publicAddr(s); ok {
		return addr.Unmap(), err
	}
	return s.server.publicAddrOf(s.remote.Addr(), s.local.Addr()), nil
}

// publicAddrOf returns what the first network of Server.PublicAddrs has in which
// remote is; without one, local.
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

// CheckPassive looks, before the first Serve, for what keeps clients from
// opening data connections to a server that will listen on addr, and returns a
// warning of one line for each thing it has found. It binds ports of
// PassivePorts for a moment.
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

// checkAnnounced looks at what PASV will tell where nothing else is said.
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

// hostAddrs returns the addresses of this host, or why the system does not tell.
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

// PortsInUse returns how many ports a client is awaited on, on all addresses
// together, and how many there may be on each; 0: as many as the system has.
func (s *Server) PortsInUse() (used, total int) { return s.ports.InUse(), s.PassivePorts.Size() }

// fewPorts is how many ports are too few for a server of more than one client:
// each that has sent PASV holds one until it connects.
const fewPorts = 10

// checkPorts looks at the range of ports.
func (s *Server) checkPorts(addr netip.Addr) []string {
	r := s.PassivePorts
	switch {
	case r == (PortRange{}):
		return nil
	case r.First == 0 || r.Last < r.First:
		return []string{fmt.Sprintf("the passive ports %d-%d are an empty range", r.First, r.Last)}
	}
	taken := 0
	for n := range min(r.Size(), 100) { // enough to know
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

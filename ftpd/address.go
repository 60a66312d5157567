package ftpd

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// The commands that agree on a data connection (RFC 959, RFC 2428).

var replyEPSVOnly = say(501, "After EPSV ALL there is only EPSV")

func (s *session) pasvCommand(string) reply {
	if s.epsvOnly {
		return replyEPSVOnly
	}
	public := s.publicAddr()
	if !public.Is4() {
		return say(425, "PASV is for IPv4, use EPSV")
	}
	p, refusal := s.listen()
	if refusal.code != 0 {
		return refusal
	}
	h := public.As4()
	return say(227, fmt.Sprintf("Entering Passive Mode (%d,%d,%d,%d,%d,%d)", h[0], h[1], h[2], h[3], p>>8, p&0xff))
}

func (s *session) epsvCommand(arg string) reply {
	switch family := s.family(); {
	case strings.EqualFold(arg, "ALL"):
		s.epsvOnly = true
		return say(200, "Only EPSV from now on")
	case arg != "" && arg != family:
		return replyFamily(family)
	}
	p, refusal := s.listen()
	if refusal.code != 0 {
		return refusal
	}
	return say(229, fmt.Sprintf("Entering Extended Passive Mode (|||%d|)", p))
}

func (s *session) portCommand(arg string) reply {
	addr, err := parsePort(arg)
	if err != nil {
		return say(501, "Write it like PORT 192,0,2,1,200,10")
	}
	return s.connectTo(addr)
}

func (s *session) eprtCommand(arg string) reply {
	family, addr, err := parseEprt(arg)
	switch {
	case err != nil:
		return say(501, "Write it like EPRT |1|192.0.2.1|51210|")
	case family != s.family():
		return replyFamily(s.family())
	}
	return s.connectTo(addr)
}

// family returns the address family of the session as RFC 2428, 2, numbers it.
func (s *session) family() string {
	if s.local.Addr().Is4() {
		return "1"
	}
	return "2"
}

func replyFamily(family string) reply {
	return say(522, "Network protocol not supported, use ("+family+")")
}

// listen waits for the client on a port of ours.
func (s *session) listen() (port uint16, refusal reply) {
	s.dropSource() // or its port would be taken
	l, err := newPassiveListener(s)
	if err != nil {
		return 0, say(425, "Cannot listen for a data connection: "+bare(err).Error())
	}
	s.setSource(l)
	return l.spot.port.number, reply{}
}

// connectTo agrees to connect to a port of the client. Nobody else's ports, and
// none of those on which services wait, are connected to: no client is to
// make us attack one (RFC 2577, 3).
func (s *session) connectTo(addr netip.AddrPort) reply {
	switch {
	case s.epsvOnly:
		return replyEPSVOnly
	case s.server.NoActive:
		return say(502, "Use EPSV or PASV")
	case addr.Addr() != s.remote.Addr().WithZone(""):
		return say(501, "That is not your address")
	case addr.Port() < 1024:
		return say(501, "That port is below 1024")
	}
	s.setSource(&activeSource{dataSlot: dataSlot{session: s}, addr: netip.AddrPortFrom(s.remote.Addr(), addr.Port())})
	return say(200, "OK")
}

// parsePort parses the argument of PORT: four bytes of an address and two of a
// port, in decimal.
func parsePort(arg string) (netip.AddrPort, error) {
	var b [6]byte
	fields := strings.Split(arg, ",")
	if len(fields) != len(b) {
		return netip.AddrPort{}, strconv.ErrSyntax
	}
	for i, field := range fields {
		n, err := strconv.ParseUint(field, 10, 8)
		if err != nil {
			return netip.AddrPort{}, err
		}
		b[i] = byte(n)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[:4])), uint16(b[4])<<8|uint16(b[5])), nil
}

// parseEprt parses the argument of EPRT: family, address and port between
// delimiters, which are | as a rule.
func parseEprt(arg string) (family string, addr netip.AddrPort, err error) {
	if arg == "" || arg[0] < '!' || arg[0] > '~' {
		return "", addr, strconv.ErrSyntax
	}
	fields := strings.Split(arg, arg[:1])
	if len(fields) != 5 || fields[4] != "" {
		return "", addr, strconv.ErrSyntax
	}
	family = fields[1]
	if family != "1" && family != "2" {
		return family, addr, nil // it is refused whatever follows
	}
	ip, err := netip.ParseAddr(fields[2])
	if err != nil {
		return family, addr, err
	}
	port, err := strconv.ParseUint(fields[3], 10, 16)
	if err != nil || ip.Is4() != (family == "1") || ip.Zone() != "" {
		return family, addr, strconv.ErrSyntax
	}
	return family, netip.AddrPortFrom(ip.Unmap(), uint16(port)), nil
}

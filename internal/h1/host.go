package h1

import (
	"net/netip"
	"strconv"
	"strings"
)

// ValidHost reports whether s is a host, perhaps with a port, as in the field Host (RFC 9110, 7.2): an IPv6 address in
// brackets, or a name, of which an IPv4 address is one. A comma is allowed in names by RFC 3986, and here refused: it
// joins the values of two fields. "" is not valid, but allowed in Host.
func ValidHost(s string) bool {
	name, port, hasPort := s, "", false
	if strings.HasPrefix(s, "[") {
		addr, rest, closed := strings.Cut(s[1:], "]")
		ip, err := netip.ParseAddr(addr)
		if !closed || err != nil || !ip.Is6() || rest != "" && rest[0] != ':' {
			return false
		}
		port, hasPort = strings.CutPrefix(rest, ":")
	} else {
		name, port, hasPort = strings.Cut(s, ":")
		if !isRegName(name) {
			return false
		}
	}
	if !hasPort || port == "" { // RFC 3986, 3.2.3, allows a colon without a port
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// isRegName reports whether s is a name (RFC 3986, 3.2.2) without a comma.
func isRegName(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case is(c, host), strings.IndexByte("~!$&'()*+;=", c) >= 0:
		case c == '%' && i+2 < len(s) && is(s[i+1], hex) && is(s[i+2], hex):
			i += 2
		default:
			return false
		}
	}
	return s != ""
}

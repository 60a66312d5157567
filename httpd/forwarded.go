package httpd

import (
	"net/netip"
	"slices"
	"strings"
)

// clientOf returns for whom a proxy at remote asks, by the fields X-Forwarded-For and
// Forwarded (RFC 7239) of a request; remote itself if nobody there is trusted, or nothing
// is said. Each proxy adds to the right who has connected to it, and what is to the left
// of an address that is not trusted anybody may have written: so the client is the first
// from the right that is not trusted.
//
// Where both fields are there the first one counts: proxies that write Forwarded are
// few, and all others pass on what the client has put there.
func (s *Server) clientOf(remote netip.AddrPort, forwardedFor, forwarded []string) netip.AddrPort {
	if len(s.ProxyFrom) == 0 || len(forwardedFor) == 0 && len(forwarded) == 0 || !s.trustsIP(remote.Addr()) {
		return remote
	}
	nodes := listOf(forwardedFor)
	if len(forwardedFor) == 0 {
		nodes = nodesOf(forwarded)
	}
	client := remote
	for _, node := range slices.Backward(nodes) {
		next, ok := parseNode(node)
		if !ok {
			break // "unknown", or a name that hides somebody: what is known is who was told it
		}
		client = next
		if !s.trustsIP(client.Addr()) {
			break
		}
	}
	return client
}

// listOf returns what the commas in the lines of a field separate.
func listOf(lines []string) (all []string) {
	for _, line := range lines {
		for element := range strings.SplitSeq(line, ",") {
			if element = strings.Trim(element, " \t"); element != "" {
				all = append(all, element)
			}
		}
	}
	return all
}

// nodesOf returns the values of "for" in the lines of a Forwarded field, one for each
// proxy: "" where it says nothing.
func nodesOf(lines []string) (all []string) {
	for _, line := range lines {
		for line != "" {
			var element, node string
			element, line = cutUnquoted(line, ',')
			if strings.Trim(element, " \t") == "" {
				continue
			}
			for element != "" {
				var pair string
				pair, element = cutUnquoted(element, ';')
				name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
				if strings.EqualFold(name, "for") {
					node = unquote(value)
				}
			}
			all = append(all, node)
		}
	}
	return all
}

// cutUnquoted cuts s at the first separator that is in no quoted string (RFC 9110, 5.6.4).
func cutUnquoted(s string, separator byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == separator && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// unquote returns what a quoted string says; anything else is returned as it is.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	return strings.ReplaceAll(s[1:len(s)-1], `\`, "") // no address has one
}

// parseNode reads an address, which may have a port behind it and, if it is one of IPv6,
// brackets around it.
func parseNode(node string) (netip.AddrPort, bool) {
	if ap, err := netip.ParseAddrPort(node); err == nil {
		return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port()), true
	}
	if inner, ok := strings.CutPrefix(node, "["); ok {
		node, _ = strings.CutSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(node)
	return netip.AddrPortFrom(addr.Unmap().WithZone(""), 0), err == nil
}

// trustsIP reports whether what a proxy at ip says is believed. One that is not valid
// is that of a unix socket, which counts as 127.0.0.1.
func (s *Server) trustsIP(ip netip.Addr) bool {
	if !ip.IsValid() {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(s.ProxyFrom, func(p netip.Prefix) bool { return p.Contains(ip) })
}

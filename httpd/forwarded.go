package httpd

import (
	"net/netip"
	"slices"
	"strings"
)

// clientOf returns the client on whose behalf remote has sent a request with the fields
// X-Forwarded-For and Forwarded (RFC 7239). It returns remote itself if that is not a
// trusted proxy, or if there are no fields. Each proxy adds the address that has
// connected to it on the right. Everything left of an address that is not trusted may be
// forged, so the client is the first address from the right that is not trusted.
//
// If both fields are present, X-Forwarded-For counts: few proxies write Forwarded, and
// all others pass on a Forwarded that the client has sent.
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
			break // "unknown", or an obfuscated name: the address before it is the best that is known
		}
		client = next
		if !s.trustsIP(client.Addr()) {
			break
		}
	}
	return client
}

// listOf returns the elements of a list in the lines of a field.
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
// proxy; "" where there is none.
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

// cutUnquoted cuts s at the first separator outside of quoted strings (RFC 9110, 5.6.4).
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

// unquote returns the content of a quoted string, or s if it is not one.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	return strings.ReplaceAll(s[1:len(s)-1], `\`, "") // no address has a backslash
}

// parseNode parses an address with or without a port. An IPv6 address may be in
// brackets.
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

// trustsIP reports whether ip is that of a trusted proxy. An invalid address is that of
// a unix socket, which counts as 127.0.0.1.
func (s *Server) trustsIP(ip netip.Addr) bool {
	if !ip.IsValid() {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(s.ProxyFrom, func(p netip.Prefix) bool { return p.Contains(ip) })
}

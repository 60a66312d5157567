package httpd

import "net/netip"

// ClientOf returns for whom a proxy asks.
func (s *Server) ClientOf(remote netip.AddrPort, forwardedFor, forwarded []string) netip.AddrPort {
	return s.clientOf(remote, forwardedFor, forwarded)
}

package httpd

import (
	"crypto/tls"
	"net"
	"time"

	"sluice/httpd/internal/netconn"
)

// handshake makes the handshake of TLS above c, and returns the connection for
// net/http, or nil if a Shutdown has ended it meanwhile. If the handshake fails,
// net/http meets the same error, and reports it.
func (s *Server) handshake(c *netconn.HTTPConn) net.Conn {
	conn := c.Conn()
	secure := tls.Server(c, s.tls)
	if !conn.SetIdle(&s.closing) {
		return nil
	}
	if t := s.headerTimeout(); t > 0 {
		_ = secure.SetDeadline(time.Now().Add(t))
	}
	err := secure.HandshakeContext(s.base)
	if !conn.SetBusy() {
		return nil
	}
	_ = secure.SetDeadline(time.Time{})
	switch {
	case err != nil:
		// To a client that speaks HTTP without TLS net/http sends a response below
		// TLS, which says so.
		c.SetSniffer(netconn.NewErrorSniffer(conn, "", s.refused))
		return secure
	case secure.ConnectionState().NegotiatedProtocol == "h2":
		c.BoundFrames()
		return secure
	}
	return netconn.NewTLSConn(secure, c, netconn.NewErrorSniffer(conn, "", s.refused))
}

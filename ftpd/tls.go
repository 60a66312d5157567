package ftpd

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"sluice/internal/live"
)

// TLSPolicy says whether clients may, or must, use TLS.
type TLSPolicy int

// The policies. A session protects commands and data apart: RFC 4217.
const (
	TLSOffered  TLSPolicy = iota // those who ask for it get it, if there is a Server.TLSConfig
	TLSRequired                  // nobody logs in, and no data goes, without
)

// security is what a session knows of TLS. It belongs to the goroutine of the
// library's reader.
type security struct {
	implicit bool        // from the first byte on
	on       bool        // commands are protected
	was      bool        // they were, before CCC
	sized    bool        // PBSZ was sent
	control  *tls.Config // nil: there is no TLS
	data     *tls.Config
}

var (
	errPlain = errors.New("commands in clear behind AUTH")
	errCCC   = errors.New("client has sent more in TLS after CCC")
)

// handshakeTimeout bounds a handshake on the control connection. The login
// timeout bounds it too.
const handshakeTimeout = 30 * time.Second

// authCommand is AUTH (RFC 2228, 3).
func (s *session) authCommand(mechanism string) reply {
	switch {
	case s.security.control == nil:
		return say(502, "TLS is not available")
	case s.security.on || s.security.was:
		return say(503, "TLS is on already")
	case s.driver != nil:
		return say(503, "AUTH comes before the login")
	}
	switch asciiUpper(mechanism) {
	case "TLS", "TLS-C", "SSL": // RFC 4217, 2; SSL is what old clients call it
	default:
		return say(504, "The mechanism is TLS")
	}
	s.then = (*guard).startTLS
	return say(234, "Begin the handshake")
}

// startTLS makes the handshake on the control connection, and blocks until it
// is done. What was sent in clear ends here: commands that somebody has put
// behind AUTH must not run as if they had been protected.
func (g *guard) startTLS() error {
	if !g.in.empty() {
		return errPlain
	}
	s := g.session
	ctx, cancel := context.WithTimeout(s.ctx, handshakeTimeout)
	defer cancel()
	_ = g.tcp.SetDeadline(time.Time{})
	conn := tls.Server(&recordConn{Conn: g.tcp}, s.security.control)
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conn = conn
	s.security.on = true
	s.live.SetProtocol(live.FTPS)
	s.name = ""
	return nil
}

// pbszCommand is PBSZ, which TLS has no use for (RFC 4217, 8).
func (s *session) pbszCommand(string) reply {
	if !s.security.on {
		return say(503, "AUTH comes before PBSZ")
	}
	s.security.sized = true
	return say(200, "PBSZ=0")
}

// protCommand is PROT: whether data is protected (RFC 4217, 9).
func (s *session) protCommand(level string) reply {
	if !s.security.sized {
		return say(503, "PBSZ comes before PROT")
	}
	level = asciiUpper(level)
	switch {
	case level == "S" || level == "E":
		return say(536, "The levels are C and P")
	case level != "C" && level != "P":
		return say(504, "The levels are C and P")
	case level == "C" && s.server.TLS == TLSRequired:
		return say(534, "Data must be protected")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.private = level == "P"
	return say(200, "Protection is "+level)
}

// cccCommand is CCC: commands go on in clear, so that a firewall can read where
// data goes (RFC 4217, 12.3).
func (s *session) cccCommand(string) reply {
	switch {
	case !s.security.on:
		return say(533, "Commands are in clear already")
	case s.server.TLS == TLSRequired:
		return say(534, "Commands must be protected")
	}
	s.then = (*guard).endTLS
	return say(200, "Commands are in clear from now on")
}

// endTLS ends TLS on the control connection. Some clients do so in return, and
// some send their next command at once: see plainConn.
func (g *guard) endTLS() error {
	conn, ok := g.conn.(*tls.Conn)
	if !ok || !g.in.empty() {
		return errCCC
	}
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conn = &plainConn{conn.NetConn().(*recordConn), conn}
	g.session.security.on, g.session.security.was = false, true
	g.session.live.SetProtocol(live.FTP)
	return nil
}

// tlsState returns what was negotiated for commands; ok is false in clear.
func (g *guard) tlsState() (state tls.ConnectionState, ok bool) {
	conn, ok := g.conn.(*tls.Conn)
	if ok {
		state = conn.ConnectionState()
	}
	return state, ok
}

// featTLS is for commands that need a certificate.
func featTLS(text string) func(*session) string {
	return func(s *session) string {
		if s.security.control == nil {
			return ""
		}
		return text
	}
}

func featCCC(s *session) string {
	if s.server.TLS == TLSRequired {
		return ""
	}
	return featTLS("CCC")(s)
}

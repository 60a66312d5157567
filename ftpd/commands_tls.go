package ftpd

import (
	"context"
	"time"

	"sluice/ftpd/internal/control"
	"sluice/internal/live"
)

// TLSPolicy says whether clients may, or must, use TLS.
type TLSPolicy int

// The policies. A session protects commands and data apart: RFC 4217.
const (
	TLSOffered  TLSPolicy = iota // those who ask for it get it, if there is a Server.TLSConfig
	TLSRequired                  // nobody logs in, and no data goes, without
)

// SessionReuse says whether a TLS connection for data resumes the session of
// its control connection. Then a client can be sure that both end at the same
// place, and the handshake is cheaper.
type SessionReuse int

// The kinds of SessionReuse.
const (
	ReuseOffered  SessionReuse = iota // clients may
	ReuseRequired                     // they must: whoever else connects to a data port, even from the same host, gets nothing
	ReuseOff                          // they cannot
)

// tlsCommands are those of RFC 2228 and 4217. There is no CCC: what a firewall can
// read of the commands, others can change.
var tlsCommands = map[string]command{
	"AUTH": {arg: requiredArg, syntax: "TLS", run: (*session).auth, feat: featTLS("AUTH TLS")},
	"PBSZ": {arg: requiredArg, syntax: "0", run: (*session).pbsz, feat: featTLS("PBSZ")},
	"PROT": {arg: requiredArg, syntax: "C|P", run: (*session).prot, feat: featTLS("PROT")},
}

// handshakeTimeout bounds a handshake on the control connection. The login
// timeout bounds it too.
const handshakeTimeout = 30 * time.Second

// auth answers AUTH (RFC 2228, 3).
func (s *session) auth(mechanism string) reply {
	switch {
	case s.tls.Control == nil:
		return newReply(502, "TLS is not available")
	case s.secured:
		return newReply(503, "TLS is on already")
	case s.user != nil:
		return newReply(503, "AUTH comes before the login")
	}
	switch control.Upper(mechanism) {
	case "TLS", "TLS-C", "SSL": // RFC 4217, 2; SSL is what old clients call it
	default:
		return newReply(504, "The mechanism is TLS")
	}
	s.afterReply = s.startTLS
	return newReply(234, "Begin the handshake")
}

// startTLS makes the handshake on the control connection, and blocks until it is
// done.
func (s *session) startTLS() error {
	ctx, cancel := context.WithTimeout(s.ctx, handshakeTimeout)
	defer cancel()
	if err := s.control.startTLS(ctx, s.tls.Control); err != nil {
		return err
	}
	s.mu.Lock()
	s.secured = true
	s.mu.Unlock()
	s.live.SetProtocol(live.FTPS)
	s.name = "" // what was said in clear does not count
	return nil
}

// pbsz answers PBSZ, which TLS has no use for (RFC 4217, 8).
func (s *session) pbsz(string) reply {
	if !s.secured {
		return newReply(503, "AUTH comes before PBSZ")
	}
	s.pbszSent = true
	return newReply(200, "PBSZ=0")
}

// prot answers PROT: whether data is protected (RFC 4217, 9).
func (s *session) prot(level string) reply {
	if !s.pbszSent {
		return newReply(503, "PBSZ comes before PROT")
	}
	level = control.Upper(level)
	switch {
	case level == "S" || level == "E":
		return newReply(536, "The levels are C and P")
	case level != "C" && level != "P":
		return newReply(504, "The levels are C and P")
	case level == "C" && s.mustProtect():
		return newReply(534, "Data must be protected")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.protectData = level == "P"
	return newReply(200, "Protection is "+level)
}

// featTLS is for commands that need a certificate.
func featTLS(text string) func(*session) string {
	return func(s *session) string {
		if s.tls.Control == nil {
			return ""
		}
		return text
	}
}

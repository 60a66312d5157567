package ftpd

import (
	"context"
	"time"

	"sluice/ftpd/internal/control"
	"sluice/internal/live"
)

// TLSPolicy says whether clients may, or must, use TLS.
type TLSPolicy int

// The policies. Commands and data are protected separately (RFC 4217).
const (
	TLSOffered  TLSPolicy = iota // TLS is optional, and available if Server.TLSConfig is set
	TLSRequired                  // logins and data connections without TLS are refused
)

// SessionReuse says whether a TLS data connection resumes the TLS session of its control
// connection. That proves that both connections have the same ends, and makes the
// handshake cheaper.
type SessionReuse int

// The kinds of SessionReuse.
const (
	ReuseOffered  SessionReuse = iota // clients may resume
	ReuseRequired                     // clients must resume: a data connection of another program, even on the same host, is refused
	ReuseOff                          // clients cannot resume
)

// tlsCommands are the commands of RFC 2228 and 4217. CCC, which ends TLS on the control
// connection for the sake of firewalls, is not supported: others could then change the
// commands.
var tlsCommands = map[string]command{
	"AUTH": {arg: requiredArg, syntax: "TLS", words: true, run: (*session).auth, feat: featTLS("AUTH TLS")},
	"PBSZ": {arg: requiredArg, syntax: "0", words: true, run: (*session).pbsz, feat: featTLS("PBSZ")},
	"PROT": {arg: requiredArg, syntax: "C|P", words: true, run: (*session).prot, feat: featTLS("PROT")},
}

// handshakeTimeout bounds a handshake on the control connection. LoginTimeout bounds it
// too.
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

// startTLS makes the handshake on the control connection, and blocks until that is
// done.
func (s *session) startTLS() error {
	ctx, cancel := context.WithTimeout(s.ctx, handshakeTimeout)
	defer cancel()
	if s.server.Reuse != ReuseOff {
		s.bindTickets()
	}
	if err := s.control.startTLS(ctx, s.tls.Control); err != nil {
		return err
	}
	s.mu.Lock()
	s.secured = true
	s.mu.Unlock()
	s.live.SetProtocol(live.FTPS)
	s.name = "" // a USER that came in clear does not count
	return nil
}

// bindTickets makes the tickets for TLS sessions valid for data connections of this session
// alone.
func (s *session) bindTickets() {
	if !s.boundTickets {
		s.tls, s.boundTickets = s.tls.Bind(), true
	}
}

// pbsz answers PBSZ, which has no effect with TLS (RFC 4217, 8).
func (s *session) pbsz(string) reply {
	if !s.secured {
		return newReply(503, "AUTH comes before PBSZ")
	}
	s.pbszSent = true
	return newReply(200, "PBSZ=0")
}

// prot answers PROT, which chooses whether data is protected (RFC 4217, 9).
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

// featTLS returns a command.feat that returns text if the server has TLS.
func featTLS(text string) func(*session) string {
	return func(s *session) string {
		if s.tls.Control == nil {
			return ""
		}
		return text
	}
}

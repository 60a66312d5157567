package ftpd

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"time"
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

var errReuse = errors.New("session of the control connection was not resumed")

// protocols are the names by which clients may ask for FTP in the handshake. A
// browser that was lured here asks for something else and gets nothing (the
// attack named ALPACA).
var protocols = []string{"ftp", "ftp-data"}

// tlsConfigs makes the configurations that all sessions share; nil if there is
// no TLS. Keys of tickets are those of control, so that a ticket of one
// connection is good on the other.
func (s *Server) tlsConfigs() (control, data *tls.Config) {
	if s.TLSConfig == nil {
		return nil, nil
	}
	control = s.TLSConfig.Clone()
	control.NextProtos = protocols
	control.SessionTicketsDisabled = control.SessionTicketsDisabled || s.Reuse == ReuseOff
	data = control.Clone()
	// Small records at the start of a connection are for browsers, which can
	// use a part of what they get.
	data.DynamicRecordSizingDisabled = true
	data.WrapSession = control.EncryptTicket
	data.UnwrapSession = control.DecryptTicket
	return control, data
}

// newSecurity returns what a new session knows of TLS.
func newSecurity(server *Server, implicit bool) security {
	control, data := server.tlsControl, server.tlsData
	if control != nil && server.Reuse == ReuseRequired {
		control, data = bindTickets(control, data)
	}
	return security{implicit: implicit, sized: implicit, control: control, data: data}
}

// bindTickets returns configurations for one session. Tickets carry a mark of
// the session, and those with another one are not good for its data. Commands
// may resume any: they get a new ticket then, with the mark.
func bindTickets(control, data *tls.Config) (boundControl, boundData *tls.Config) {
	mark := make([]byte, 16)
	_, _ = rand.Read(mark) // never fails, see its documentation
	wrap := func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		session.Extra = append(session.Extra, mark)
		return control.EncryptTicket(state, session)
	}
	boundControl, boundData = control.Clone(), data.Clone()
	boundControl.WrapSession, boundData.WrapSession = wrap, wrap
	boundControl.UnwrapSession = control.DecryptTicket
	boundData.UnwrapSession = func(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
		session, err := control.DecryptTicket(ticket, state)
		if session == nil || err != nil || !slices.ContainsFunc(session.Extra, func(extra []byte) bool { return bytes.Equal(extra, mark) }) {
			return nil, err
		}
		return session, nil
	}
	return boundControl, boundData
}

// protects reports whether data is to be protected.
func (s *session) protects() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.private
}

// protect makes the handshake on a data connection. Clients begin it when they
// have seen reply 150. It blocks until that is done, ctx ends, or the stall
// timeout has passed. The caller closes both connections, whatever comes of it.
func (s *session) protect(ctx context.Context, tcp net.Conn) (*tls.Conn, error) {
	if stall := s.server.stallTimeout(); stall > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, stall)
		defer cancel()
	}
	conn := tls.Server(&strictConn{Conn: tcp}, s.security.data)
	err := conn.HandshakeContext(ctx)
	if err == nil && s.mustResume() && !conn.ConnectionState().DidResume {
		err = errReuse
	}
	if err != nil {
		s.failData(err)
		return nil, err
	}
	return conn, nil
}

// mustResume reports whether data must resume the session of the commands.
func (s *session) mustResume() bool {
	lax := s.server.LaxReuse
	return s.server.Reuse == ReuseRequired && (lax == nil || !lax(s.driver.user))
}

// errCut is what a TLS connection ends with that was not ended by TLS: anybody
// on the way can do that, and half a file would be taken for a whole one.
var errCut = fmt.Errorf("connection was cut, TLS has not ended: %w", io.ErrUnexpectedEOF)

// strictConn is a data connection below TLS. Its end is an error: package tls
// takes it for an orderly one if no record is cut in two; whoever gets an alert
// from TLS before does not read on to the end.
type strictConn struct {
	net.Conn
	ending atomic.Bool // the deadline of writes stays as it is
}

// Read reads what there is.
func (c *strictConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		err = errCut
	}
	return n, err
}

// SetWriteDeadline sets the deadline of writes, unless endTLS has set the last.
func (c *strictConn) SetWriteDeadline(t time.Time) error {
	if c.ending.Load() {
		return nil
	}
	return c.Conn.SetWriteDeadline(t)
}

// endTLS tells the client that all has been sent, and blocks until the alert is
// in the send buffer or the time is up. Package tls would wait five seconds: not
// long enough for a slow client whose buffer is full, and to which the whole
// file would then look cut.
func endTLS(conn *tls.Conn, stall time.Duration) error {
	below := conn.NetConn().(*strictConn)
	var deadline time.Time
	if stall > 0 {
		deadline = time.Now().Add(stall)
	}
	if err := below.SetWriteDeadline(deadline); err != nil {
		return err
	}
	below.ending.Store(true)
	return conn.CloseWrite()
}

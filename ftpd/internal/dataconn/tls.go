package dataconn

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

// Configs are how TLS is done on the two kinds of connections. A ticket of one is
// good on the other.
type Configs struct {
	Control, Data *tls.Config // nil: there is no TLS
	Upload        *tls.Config // Data without tickets
}

// protocols are the names by which clients may ask for FTP in the handshake. A
// browser that was lured here asks for something else and gets nothing (the
// attack named ALPACA).
var protocols = []string{"ftp", "ftp-data"}

// NewConfigs returns the configurations that all sessions share, from that of the
// operator, which it does not change. Without tickets no session is resumed.
func NewConfigs(operator *tls.Config, tickets bool) Configs {
	if operator == nil {
		return Configs{}
	}
	control := operator.Clone()
	control.NextProtos = protocols
	control.SessionTicketsDisabled = control.SessionTicketsDisabled || !tickets
	data := control.Clone()
	// Small records at the start of a connection are for browsers, which can
	// use a part of what they get.
	data.DynamicRecordSizingDisabled = true
	data.WrapSession = control.EncryptTicket
	data.UnwrapSession = control.DecryptTicket
	upload := data.Clone()
	upload.SessionTicketsDisabled = true
	return Configs{control, data, upload}
}

// Bind returns configurations for one session of a client. Tickets carry a mark of
// the session, and those with another one are not good for its data. Commands may
// resume any: they get a new ticket then, with the mark.
func (c Configs) Bind() Configs {
	if c.Control == nil {
		return c
	}
	control := c.Control
	mark := make([]byte, 16)
	_, _ = rand.Read(mark) // never fails, see its documentation
	wrap := func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		session.Extra = append(session.Extra, mark)
		return control.EncryptTicket(state, session)
	}
	bound := Configs{control.Clone(), c.Data.Clone(), c.Upload}
	bound.Control.WrapSession, bound.Data.WrapSession = wrap, wrap
	bound.Control.UnwrapSession = control.DecryptTicket
	bound.Data.UnwrapSession = func(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
		session, err := control.DecryptTicket(ticket, state)
		if session == nil || err != nil || !slices.ContainsFunc(session.Extra, func(extra []byte) bool { return bytes.Equal(extra, mark) }) {
			return nil, err
		}
		return session, nil
	}
	return bound
}

// Protection is how a data connection is protected.
type Protection struct {
	Config *tls.Config
	Resume bool          // the session of the control connection must be resumed
	Stall  time.Duration // bounds the handshake; zero: no bound
}

// ErrNotResumed is why Secure has failed if Protection.Resume was not kept to.
var ErrNotResumed = errors.New("session of the control connection was not resumed")

func (p *Protection) handshake(ctx context.Context, tcp net.Conn) (*tls.Conn, error) {
	if p.Stall > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.Stall)
		defer cancel()
	}
	conn := tls.Server(&strictConn{Conn: tcp}, p.Config)
	err := conn.HandshakeContext(ctx)
	if err == nil && p.Resume && !conn.ConnectionState().DidResume {
		err = ErrNotResumed
	}
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// ErrCut is what a TLS connection ends with that was not ended by TLS: anybody
// on the way can do that, and half a file would be taken for a whole one.
var ErrCut = fmt.Errorf("connection ended without close_notify of TLS: %w", io.ErrUnexpectedEOF)

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
		err = ErrCut
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

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

// Configs has the TLS configurations of control and data connections. A session ticket
// of one kind is valid for the other.
type Configs struct {
	Control, Data *tls.Config // nil: no TLS
	Upload        *tls.Config // Data without session tickets

	own func(*tls.ClientHelloInfo) (*tls.Config, error) // GetConfigForClient of the operator; nil: none
}

// NewConfigs derives the configurations that all sessions share from the operator's, which
// it does not change. If tickets is false, no TLS session can be resumed.
func NewConfigs(operator *tls.Config, tickets bool) Configs {
	if operator == nil {
		return Configs{}
	}
	control := operator.Clone()
	control.NextProtos = protocols
	control.SessionTicketsDisabled = control.SessionTicketsDisabled || !tickets
	data := control.Clone()
	// Small records at the start of a connection help only browsers, which can use the
	// first part of a file early.
	data.DynamicRecordSizingDisabled = true
	data.WrapSession = control.EncryptTicket
	data.UnwrapSession = control.DecryptTicket
	upload := data.Clone()
	upload.SessionTicketsDisabled = true
	for _, c := range []*tls.Config{control, data, upload} {
		allowUnknown(c, operator.GetConfigForClient)
	}
	return Configs{control, data, upload, operator.GetConfigForClient}
}

// Bind returns configurations for one FTP session. Its tickets carry a mark, and its data
// connections accept only tickets with that mark. Its control connection may resume any
// ticket, and gets a new one with the mark then.
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
	bound := Configs{control.Clone(), c.Data.Clone(), c.Upload, c.own}
	bound.Control.WrapSession, bound.Data.WrapSession = wrap, wrap
	bound.Control.UnwrapSession = control.DecryptTicket
	bound.Data.UnwrapSession = func(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
		session, err := control.DecryptTicket(ticket, state)
		if session == nil || err != nil || !slices.ContainsFunc(session.Extra, func(extra []byte) bool { return bytes.Equal(extra, mark) }) {
			return nil, err
		}
		return session, nil
	}
	allowUnknown(bound.Control, c.own)
	allowUnknown(bound.Data, c.own)
	return bound
}

// Protection is how a data connection is protected.
type Protection struct {
	Config  *tls.Config
	Resume  bool          // the client must resume the TLS session of the control connection
	Timeout time.Duration // limit of the handshake; zero: none
}

// ErrNotResumed is the error of Secure if the client has not resumed the TLS session.
var ErrNotResumed = errors.New("TLS session of the control connection was not resumed")

// handshake makes the TLS handshake over tcp, and checks that the session was resumed if
// that is required.
func (p *Protection) handshake(ctx context.Context, tcp net.Conn) (*tls.Conn, error) {
	if p.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.Timeout)
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

// ErrCut is the read error of a TLS connection that has ended without close_notify. An
// attacker on the network can end it so, to make half a file look like a whole one.
var ErrCut = fmt.Errorf("connection ended without close_notify of TLS: %w", io.ErrUnexpectedEOF)

// strictConn is the socket below TLS. It reports the end of the connection as ErrCut,
// because package tls would report io.EOF if the end falls between two records. After
// close_notify package tls does not read to the end of the socket.
type strictConn struct {
	net.Conn
	end atomic.Pointer[func(below net.Conn, p []byte) (int, error)] // of endTLS; nil: it was not called
}

// NetConn returns the connection below: package sendfile looks at its send queue.
func (c *strictConn) NetConn() net.Conn { return c.Conn }

// Read implements net.Conn.
func (c *strictConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		err = ErrCut
	}
	return n, err
}

// Write writes p, after endTLS by its function.
func (c *strictConn) Write(p []byte) (int, error) {
	if end := c.end.Load(); end != nil {
		return (*end)(c.Conn, p)
	}
	return c.Conn.Write(p)
}

// SetWriteDeadline sets the deadline of writes, unless endTLS was called.
func (c *strictConn) SetWriteDeadline(t time.Time) error {
	if c.end.Load() != nil {
		return nil
	}
	return c.Conn.SetWriteDeadline(t)
}

// endTLS sends close_notify by write. Package tls would wait for five seconds only: too
// short for a slow client with a full buffer, to which the whole file would then look cut.
func endTLS(conn *tls.Conn, write func(below net.Conn, p []byte) (int, error)) error {
	conn.NetConn().(*strictConn).end.Store(&write)
	return conn.CloseWrite()
}

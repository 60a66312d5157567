package netconn

import (
	"crypto/tls"
	"io"
	"net"
	"time"
)

// TLSConn is a connection that speaks HTTP/1 over TLS, as net/http sees it: requests
// and responses are in clear.
type TLSConn struct {
	tls     *tls.Conn
	below   *HTTPConn
	sniffer *ErrorSniffer
	hasRead bool // only the reading goroutine uses it
}

// NewTLSConn returns a connection for c, which has made its handshake above below.
func NewTLSConn(c *tls.Conn, below *HTTPConn, sniffer *ErrorSniffer) *TLSConn {
	return &TLSConn{tls: c, below: below, sniffer: sniffer}
}

// Below returns the HTTPConn below TLS, or c itself if it is one without TLS. It
// returns nil if c is not a connection of this package.
func Below(c any) *HTTPConn {
	switch c := c.(type) {
	case *HTTPConn:
		return c
	case *TLSConn:
		return c.below
	case *tls.Conn: // with HTTP/2
		below, _ := c.NetConn().(*HTTPConn)
		return below
	}
	return nil
}

// Read implements net.Conn.
func (c *TLSConn) Read(p []byte) (int, error) {
	n, err := c.below.empty.readBy(c.tls.Read, p)
	if err == io.EOF { //nolint:errorlint // without close_notify it is another error
		c.below.ended.Store(true)
	}
	if n > 0 && !c.hasRead {
		c.hasRead = true
		c.sniffer.line = FirstLine(p[:n])
	}
	return n, err
}

// Write implements net.Conn.
func (c *TLSConn) Write(p []byte) (int, error) {
	c.sniffer.written(p)
	return c.tls.Write(p)
}

// ConnectionState makes net/http set Request.TLS.
func (c *TLSConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// CloseWrite lets net/http end a response before it closes.
func (c *TLSConn) CloseWrite() error { return c.tls.CloseWrite() }

// The other methods of net.Conn.

func (c *TLSConn) Close() error                       { return c.tls.Close() }
func (c *TLSConn) LocalAddr() net.Addr                { return c.tls.LocalAddr() }
func (c *TLSConn) RemoteAddr() net.Addr               { return c.tls.RemoteAddr() }
func (c *TLSConn) SetDeadline(t time.Time) error      { return c.tls.SetDeadline(t) }
func (c *TLSConn) SetReadDeadline(t time.Time) error  { return c.tls.SetReadDeadline(t) }
func (c *TLSConn) SetWriteDeadline(t time.Time) error { return c.tls.SetWriteDeadline(t) }

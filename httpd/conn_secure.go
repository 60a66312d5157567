package httpd

import (
	"crypto/tls"
	"net"
	"time"
)

// secureConn is a connection of the net/http lane that speaks HTTP/1 by TLS, from
// above that: where requests and answers are in clear.
type secureConn struct {
	tls   *tls.Conn
	conn  *conn // below tls
	talk  *talk
	heard bool // something has come; of who reads
}

func (c *secureConn) Read(p []byte) (int, error) {
	n, err := c.tls.Read(p)
	if n > 0 && !c.heard {
		c.heard = true
		c.talk.line = lineOf(p[:n])
	}
	return n, err
}

func (c *secureConn) Write(p []byte) (int, error) {
	c.talk.answer(p)
	return c.tls.Write(p)
}

// ConnectionState makes net/http set Request.TLS.
func (c *secureConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

func (c *secureConn) CloseWrite() error                  { return c.tls.CloseWrite() }
func (c *secureConn) Close() error                       { return c.tls.Close() }
func (c *secureConn) LocalAddr() net.Addr                { return c.tls.LocalAddr() }
func (c *secureConn) RemoteAddr() net.Addr               { return c.tls.RemoteAddr() }
func (c *secureConn) SetDeadline(t time.Time) error      { return c.tls.SetDeadline(t) }
func (c *secureConn) SetReadDeadline(t time.Time) error  { return c.tls.SetReadDeadline(t) }
func (c *secureConn) SetWriteDeadline(t time.Time) error { return c.tls.SetWriteDeadline(t) }

// shake has c speak TLS, and returns what net/http is given, or nil if a Shutdown
// has ended the lane meanwhile. A handshake that fails is left to net/http, which
// meets the same error and knows what to tell.
func (l *lane) shake(c *conn) net.Conn {
	s := l.server
	secure := tls.Server(c, s.tls)
	if !l.idle() {
		return nil
	}
	if t := s.headerTimeout(); t > 0 {
		_ = secure.SetDeadline(time.Now().Add(t))
	}
	err := secure.HandshakeContext(s.base)
	if !l.wake() {
		return nil
	}
	_ = secure.SetDeadline(time.Time{})
	switch {
	case err != nil:
		c.talk = &talk{server: s, wire: c.wire} // who speaks HTTP without TLS is told so
		return secure
	case secure.ConnectionState().NegotiatedProtocol == "h2":
		return secure
	}
	return &secureConn{tls: secure, conn: c, talk: &talk{server: s, wire: c.wire}}
}

package httpd

import (
	"context"
	"io"
	"net"
	"os"
	"time"

	"sluice/sendfile"
)

// conn stands between net/http and a connection, for two things that net/http
// does not do: a deadline that moves with each write, and the fast road for
// the part of a file. It passes everything on by itself instead of embedding
// the connection, so that nothing can pass it by.
type conn struct {
	c     net.Conn
	stall time.Duration // longest wait in which the peer takes nothing; zero: none
}

func (c *conn) Read(p []byte) (int, error)         { return c.c.Read(p) }
func (c *conn) Close() error                       { return c.c.Close() }
func (c *conn) LocalAddr() net.Addr                { return c.c.LocalAddr() }
func (c *conn) RemoteAddr() net.Addr               { return c.c.RemoteAddr() }
func (c *conn) SetDeadline(t time.Time) error      { return c.c.SetDeadline(t) }
func (c *conn) SetReadDeadline(t time.Time) error  { return c.c.SetReadDeadline(t) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.c.SetWriteDeadline(t) }

// Write sends p, which net/http hands over in pieces of a few KiB, so that a
// peer who takes none of them in time has stalled.
func (c *conn) Write(p []byte) (int, error) {
	if c.stall > 0 {
		if err := c.c.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
			return 0, err
		}
	}
	return c.c.Write(p)
}

// ReadFrom sends the part of a file by the best road, and anything else by
// Write. It is how the ReadFrom of net/http's ResponseWriter reaches us.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	part, ok := r.(*filePart)
	if !ok {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	err := part.send(c.c)
	return part.res.Sent, err
}

// CloseWrite lets net/http end a response with a FIN before it closes, so
// that the client reads all of it even when it has sent more than we read.
func (c *conn) CloseWrite() error {
	if cw, ok := c.c.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return nil
}

// filePart is the part of a file that is a response's body, on its way
// through net/http to the conn that knows what it is.
type filePart struct {
	file   *os.File
	off, n int64
	opt    sendfile.Options
	res    sendfile.Result
}

func (p *filePart) send(dst net.Conn) error {
	var err error
	// No context: when a client only shuts down its sending side net/http
	// cancels the request's, and a shutdown that is out of patience closes
	// the connection.
	p.res, err = sendfile.Send(context.Background(), dst, p.file, p.off, p.n, &p.opt)
	return err
}

// Read is for a connection that is not ours, such as one of TLS.
func (p *filePart) Read(b []byte) (int, error) {
	if p.n == p.res.Sent {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), p.n-p.res.Sent)]
	n, err := p.file.ReadAt(b, p.off+p.res.Sent)
	p.res.Sent += int64(n)
	p.res.Road = sendfile.Copy
	if err == io.EOF && p.res.Sent < p.n {
		err = io.ErrUnexpectedEOF // the file has shrunk
	}
	return n, err
}

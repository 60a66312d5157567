package httpd

import (
	"context"
	"io"
	"net"
	"os"
	"time"

	"sluice/internal/live"
	"sluice/sendfile"
)

// conn is a connection of the net/http lane, below TLS if there is any. It
// stands between net/http and the wire for three things that net/http does not
// do: to read again what the fast lane has read, to bound each wait for the
// client but not the response, and to send the part of a file by the fast
// method.
type conn struct {
	wire  *wire
	base  context.Context // ends when the server is out of patience
	first []byte          // read already, and to be read again
	stall time.Duration   // longest wait in which the peer takes nothing; zero: none
	talk  *talk           // nil: there is TLS above, and so not here
}

func (c *conn) Read(p []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(p, c.first)
		if c.first = c.first[n:]; len(c.first) == 0 {
			c.first = nil
		}
		return n, nil
	}
	return c.wire.Read(p)
}

func (c *conn) Write(p []byte) (int, error) {
	c.talk.answer(p)
	res, err := c.wire.sendBytes(p, sendfile.Options{Timeout: c.stall})
	return int(res.Sent), err
}

// ReadFrom sends the part of a file by the best method, and anything else by
// Write. It is how the ReadFrom of net/http's ResponseWriter reaches us.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	part, ok := r.(*filePart)
	if !ok {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	err := part.send(c.wire)
	return part.res.Sent, err
}

// CloseWrite lets net/http end a response with a FIN before it closes, so
// that the client reads all of it even when it has sent more than we read.
func (c *conn) CloseWrite() error { return c.wire.CloseWrite() }

func (c *conn) Close() error                       { return c.wire.Close() }
func (c *conn) LocalAddr() net.Addr                { return c.wire.LocalAddr() }
func (c *conn) RemoteAddr() net.Addr               { return c.wire.RemoteAddr() }
func (c *conn) SetDeadline(t time.Time) error      { return c.wire.SetDeadline(t) }
func (c *conn) SetReadDeadline(t time.Time) error  { return c.wire.SetReadDeadline(t) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.wire.SetWriteDeadline(t) }

// filePart is the part of a file that is a response's body, on its way
// through net/http to the conn that knows what it is.
type filePart struct {
	file     *os.File
	off, n   int64
	opt      sendfile.Options
	res      sendfile.Result
	transfer *live.Transfer // that it is a part of; nil: none
}

// send sends it past net/http. Not with the context of the request, which
// net/http cancels when a client only shuts down its sending side.
func (p *filePart) send(dst *wire) error {
	var err error
	p.res, err = dst.sendFile(p.file, p.off, p.n, p.opt, p.transfer)
	return err
}

// Read is for a connection that is not ours, such as one of TLS.
func (p *filePart) Read(b []byte) (int, error) {
	if p.n == p.res.Sent {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), p.n-p.res.Sent)]
	if p.opt.Wait != nil {
		n, err := p.opt.Wait(context.Background(), len(b)) // which knows when to end
		if err != nil {
			return 0, err
		}
		b = b[:n]
	}
	n, err := p.file.ReadAt(b, p.off+p.res.Sent)
	p.res.Sent += int64(n)
	p.res.Method = sendfile.Copy
	p.transfer.Add(sendfile.Result{Sent: int64(n), Method: sendfile.Copy})
	if err == io.EOF && p.res.Sent < p.n {
		err = io.ErrUnexpectedEOF // the file has shrunk
	}
	return n, err
}

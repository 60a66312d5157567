package httpd

import (
	"context"
	"io"
	"net"
	"sync"
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
	wire   *wire
	server *Server
	first  []byte        // read already, and to be read again
	stall  time.Duration // longest wait in which the peer takes nothing; zero: none
	talk   *talk         // nil: there is TLS above, and so not here
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
	return part.send(c.wire)
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

// filePart is the part of a file that is a response's body, on its way through
// net/http to a connection that it can be sent on past all buffers.
type filePart struct {
	file     io.ReaderAt
	off, n   int64
	opt      sendfile.Options
	res      sendfile.Result // so far
	transfer *live.Transfer  // that it is a part of; nil: none
}

// left sends what is left of the part by f, and keeps the account.
func (p *filePart) left(f func(off, n int64) (sendfile.Result, error)) (int64, error) {
	res, err := f(p.off+p.res.Sent, p.n-p.res.Sent)
	if res.Sent > 0 || p.res.Sent == 0 {
		addResult(&p.res, res)
	}
	return res.Sent, err
}

// send sends it on a connection of ours. Not with the context of the request,
// which net/http cancels when a client only shuts down its sending side.
func (p *filePart) send(dst *wire) (int64, error) {
	return p.left(func(off, n int64) (sendfile.Result, error) {
		return dst.sendFile(p.file, off, n, p.opt, p.transfer)
	})
}

// WriteTo is how a part arrives at the connection of another http.Server: its
// ResponseWriter hands the part to the ReadFrom of *net.TCPConn, and that, as it
// does not know the type, to WriteTo, with a writer that has all methods of the
// connection but ReadFrom. Any other writer is written to; one with a ReadFrom is
// given the part first, which may lead to a connection.
func (p *filePart) WriteTo(w io.Writer) (int64, error) {
	switch w := w.(type) {
	case net.Conn:
		return p.left(func(off, n int64) (sendfile.Result, error) {
			return sendfile.Send(context.Background(), w, p.file, off, n, &p.opt)
		})
	case io.ReaderFrom:
		return w.ReadFrom(p)
	}
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	begin := p.res.Sent
	n, err := io.CopyBuffer(w, struct{ io.Reader }{p}, *buf)
	if unsent := p.res.Sent - begin - n; unsent > 0 { // it was read, and w has failed
		p.res.Sent -= unsent
		p.transfer.Add(sendfile.Result{Sent: -unsent, Method: sendfile.Copy})
	}
	return n, err
}

// Read is for what takes a file only through us.
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
	res := sendfile.Result{Sent: int64(n), Method: sendfile.Copy}
	addResult(&p.res, res)
	p.transfer.Add(res)
	switch {
	case err == io.EOF && p.res.Sent == p.n:
		err = nil
	case err == io.EOF:
		err = p.failure(io.ErrUnexpectedEOF) // it has shrunk
	case err != nil:
		err = p.failure(err)
	}
	return n, err
}

// failure says that err is the file's, as sendfile.Send would.
func (p *filePart) failure(err error) error {
	return &sendfile.Error{Op: "send", Side: sendfile.File, Method: sendfile.Copy, Offset: p.off + p.res.Sent, Err: err}
}

// copyBuffers serve connections that take a file only through us: those of TLS,
// and of other servers.
var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

package netconn

import (
	"context"
	"io"
	"net"
	"sync"

	"sluice/internal/live"
	"sluice/sendfile"
)

// FilePart is the part of a file that is a response's body, on its way through
// net/http to a connection that it can be sent on past all buffers.
type FilePart struct {
	File     io.ReaderAt
	Off, N   int64
	Options  sendfile.Options
	Transfer *live.Transfer // that it is a part of; nil: none
	Buffer   []byte         // for WriteTo if it copies; nil: one of its own

	res sendfile.Result // so far
}

// Result returns what was sent so far.
func (p *FilePart) Result() sendfile.Result { return p.res }

// sendRest calls send with the part that was not sent yet, and adds its result.
func (p *FilePart) sendRest(send func(off, n int64) (sendfile.Result, error)) (int64, error) {
	res, err := send(p.Off+p.res.Sent, p.N-p.res.Sent)
	if res.Sent > 0 || p.res.Sent == 0 {
		AddResult(&p.res, res)
	}
	return res.Sent, err
}

// sendTo sends the part on a Conn.
func (p *FilePart) sendTo(c *Conn) (int64, error) {
	return p.sendRest(func(off, n int64) (sendfile.Result, error) {
		return c.SendFile(p.File, off, n, p.Options, p.Transfer)
	})
}

// WriteTo is how a part arrives at the connection of another http.Server. Its
// ResponseWriter hands the part to the ReadFrom of *net.TCPConn. That does not know
// the type, and calls WriteTo, with a writer that has all methods of the connection
// but ReadFrom. If w is no connection but has a ReadFrom, that is given the part
// first, as it may lead to a connection. Any other w is written to.
func (p *FilePart) WriteTo(w io.Writer) (int64, error) {
	switch w := w.(type) {
	case net.Conn:
		return p.sendRest(func(off, n int64) (sendfile.Result, error) {
			res, err := sendfile.Send(context.Background(), w, p.File, off, n, &p.Options)
			if isStall(err) {
				resetOnClose(w)
			}
			return res, err
		})
	case io.ReaderFrom:
		return w.ReadFrom(p)
	}
	buffer := p.Buffer
	if buffer == nil {
		own := copyBuffers.Get().(*[]byte)
		defer copyBuffers.Put(own)
		buffer = *own
	}
	begin := p.res.Sent
	n, err := io.CopyBuffer(w, struct{ io.Reader }{p}, buffer)
	if unsent := p.res.Sent - begin - n; unsent > 0 { // it was read, and w has failed
		p.res.Sent -= unsent
		p.Transfer.Add(sendfile.Result{Sent: -unsent, Method: sendfile.Copy})
	}
	return n, err
}

// copyBuffers are for WriteTo on connections with TLS, and on those of other servers.
var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// Read implements io.Reader, for writers that only copy.
func (p *FilePart) Read(b []byte) (int, error) {
	if p.N == p.res.Sent {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), p.N-p.res.Sent)]
	if p.Options.Wait != nil {
		n, err := p.Options.Wait(context.Background(), len(b)) // it has a context of its own, see LimitConfig.Begin
		if err != nil {
			return 0, err
		}
		b = b[:n]
	}
	if disk := p.Transfer.Waiting(p.File, p.Options.Disk); disk != nil {
		if err := disk.Enter(); err != nil {
			return 0, p.failure(err)
		}
		defer disk.Leave()
	}
	n, err := p.File.ReadAt(b, p.Off+p.res.Sent)
	res := sendfile.Result{Sent: int64(n), Method: sendfile.Copy}
	AddResult(&p.res, res)
	p.Transfer.Add(res)
	switch {
	case err == io.EOF && p.res.Sent == p.N:
		err = nil
	case err == io.EOF:
		err = p.failure(io.ErrUnexpectedEOF) // the file has shrunk
	case err != nil:
		err = p.failure(err)
	}
	return n, err
}

// failure returns err as an error of the file, as sendfile.Send would.
func (p *FilePart) failure(err error) error {
	return &sendfile.Error{Op: "send", Side: sendfile.File, Method: sendfile.Copy, Offset: p.Off + p.res.Sent, Err: err}
}

package netconn

import (
	"context"
	"errors"
	"io"
	"sync"

	"sluice/internal/live"
	"sluice/sendfile"
)

// MinDirect is the length of the shortest body that ReceiveBody is for: from here on
// splice(2) is cheaper than copying.
const MinDirect = 2 << 20

// pieceSize is how much of a body is received by one call of package sendfile.
const pieceSize = 8 << 20

// untouched is the memory that net/http is asked to read into while the bytes go past
// it. Nobody writes to it, so it takes no memory, and all connections share it.
var untouched [2 * pieceSize]byte

var probes = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// errBuffered means that net/http reads bodies in another way than this package expects.
var errBuffered = errors.New("net/http did not read the body from the connection")

// detour is a read of net/http that is not to be copied.
type detour struct {
	into *byte // the first byte of the memory that is read into: it identifies the read
	take func(n int) (int, error)
}

// takes returns the function that receives the bytes of a read into p; nil if p is not
// that of the detour. The detour ends with it, before net/http can learn that the body
// has ended and begin to read the next request, in another goroutine.
func (c *HTTPConn) takes(p []byte) func(n int) (int, error) {
	if c.detour.take == nil || len(p) == 0 || &p[0] != c.detour.into {
		return nil
	}
	take := c.detour.take
	c.detour = detour{}
	return take
}

// SetBody records the body of the request that net/http has read from c, before any
// middleware can wrap it. It is called when a handler is called.
func (c *HTTPConn) SetBody(body io.ReadCloser) { c.body = body }

// OwnsBody reports whether body is that of SetBody, so that ReceiveBody may be called.
func (c *HTTPConn) OwnsBody(body io.ReadCloser) bool { return body != nil && c.body == body }

// ReceiveBody writes the n bytes of body to f, from off on, by sendfile.Receive: by
// splice(2) where that is possible, past net/http. n is the length of the whole body, at
// least MinDirect, of which nothing was read, and c owns the body. t may be nil. The
// Method of the result is that of the bytes after the first ones, which net/http has read
// together with the head, and which are copied.
//
// net/http calls Read with the memory that body.Read was given, as soon as its own buffer
// is empty. A Read into the memory that is known here puts the bytes into the file, and
// returns their number. So net/http counts them, sends 100 Continue before the first, and
// knows where the next request begins.
func (c *HTTPConn) ReceiveBody(ctx context.Context, body io.Reader, f io.WriterAt, off, n int64, opt sendfile.Options, t *live.Transfer) (all sendfile.Result, err error) {
	buffer := probes.Get().(*[32 << 10]byte)
	defer probes.Put(buffer)
	opt.Progress, opt.Idle = t.Hook(), t.Idle
	if opt.Method == sendfile.Auto {
		opt.Method = sendfile.Splice // also for a last piece that Auto would copy
	}

	isEmpty := false
	for !isEmpty && all.Sent < n-MinDirect/2 {
		c.detour = detour{&buffer[0], func(int) (int, error) { isEmpty = len(c.first) == 0; return 0, nil }}
		got, err := body.Read(buffer[:])
		if got > 0 {
			if _, werr := f.WriteAt(buffer[:got], off+all.Sent); werr != nil {
				return all, receiveError(sendfile.File, off+all.Sent, werr)
			}
			all.Sent += int64(got)
			t.Add(sendfile.Result{Sent: int64(got), Method: sendfile.Copy})
			if err := waitFor(ctx, opt.Wait, got); err != nil {
				return all, receiveError(sendfile.Peer, off+all.Sent, err)
			}
		}
		if err != nil {
			return all, receiveError(sendfile.Peer, off+all.Sent, err)
		}
	}
	for all.Sent < n {
		size := n - all.Sent
		if size > int64(len(untouched)) {
			size = pieceSize
		}
		var res sendfile.Result
		receiveErr := errBuffered
		c.detour = detour{&untouched[0], func(int) (int, error) {
			o := opt
			res, receiveErr = sendfile.Receive(ctx, f, c.conn, off+all.Sent, size, &o)
			return int(res.Sent), receiveErr
		}}
		_, err := body.Read(untouched[:size]) // io.EOF after the last byte
		all.Sent += res.Sent
		all.ZeroCopied += res.ZeroCopied
		if all.Method != sendfile.Copy {
			all.Method = res.Method
		}
		t.Add(res)
		switch {
		case receiveErr != nil:
			return all, receiveErr
		case err != nil && err != io.EOF:
			return all, receiveError(sendfile.Peer, off+all.Sent, err)
		case err == io.EOF && all.Sent < n:
			return all, receiveError(sendfile.Peer, off+all.Sent, io.ErrUnexpectedEOF)
		}
	}
	return all, nil
}

// waitFor waits until a limit, which may be nil, has granted n bytes.
func waitFor(ctx context.Context, wait func(context.Context, int) (int, error), n int) error {
	for wait != nil && n > 0 {
		granted, err := wait(ctx, n)
		if err != nil {
			return err
		}
		n -= granted
	}
	return nil
}

func receiveError(side sendfile.Side, offset int64, err error) error {
	return &sendfile.Error{Op: "receive", Side: side, Method: sendfile.Copy, Offset: offset, Err: err}
}

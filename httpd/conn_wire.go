package httpd

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"sluice/internal/live"
	"sluice/sendfile"
)

// wire is an accepted connection, whoever serves it. It is what package
// sendfile writes to, with one syscall.RawConn for its whole life, where
// package net would make a new one each time it is asked. It passes everything
// on by itself instead of embedding the connection, so that nothing can pass
// it by.
type wire struct {
	c      net.Conn
	raw    syscall.RawConn // nil: c has no descriptor
	remote net.Addr        // the client's: not always that of c, if a proxy has spoken
	live   *live.Session   // which Close leaves; nil: nobody was let in
	pace   pace            // which the client must keep
	sent   atomic.Int64    // bytes, by sendFile and sendBytes
	closed atomic.Bool
}

// newWire takes c over.
func newWire(c net.Conn) *wire {
	w := &wire{c: c, remote: c.RemoteAddr()}
	if sc, ok := c.(syscall.Conn); ok {
		w.raw, _ = sc.SyscallConn() // an error means that c is closed, which every use will tell
	}
	return w
}

// SyscallConn makes wire a syscall.Conn.
func (w *wire) SyscallConn() (syscall.RawConn, error) {
	if w.raw == nil {
		return nil, errors.ErrUnsupported
	}
	return w.raw, nil
}

// sendFile sends the part of a file, of which t is told, and sendBytes what is
// in memory, both without a context: a shutdown that is out of patience closes
// the connection.
func (w *wire) sendFile(f io.ReaderAt, off, n int64, opt sendfile.Options, t *live.Transfer) (sendfile.Result, error) {
	opt.Progress = t.Hook()
	if w.pace.stretch > 0 {
		wait := opt.Wait
		opt.Wait = nil
		return w.pace.send(n, wait, func(ctx context.Context, done, n int64) (sendfile.Result, error) {
			o := opt
			res, err := sendfile.Send(ctx, w, f, off+done, n, &o)
			w.sent.Add(res.Sent)
			t.Add(res)
			return res, err
		})
	}
	res, err := sendfile.Send(context.Background(), w, f, off, n, &opt)
	w.sent.Add(res.Sent)
	t.Add(res)
	return res, err
}

func (w *wire) sendBytes(p []byte, opt sendfile.Options) (res sendfile.Result, err error) {
	if w.pace.stretch > 0 {
		res, err = w.pace.send(int64(len(p)), nil, func(ctx context.Context, done, n int64) (sendfile.Result, error) {
			o := opt
			return sendfile.Write(ctx, w, p[done:done+n], &o)
		})
	} else {
		res, err = sendfile.Write(context.Background(), w, p, &opt)
	}
	w.sent.Add(res.Sent)
	return res, err
}

// cut makes all that is done to the connection fail. Anybody may call it, and
// whoever serves the connection still has to close it.
func (w *wire) cut() { _ = w.c.Close() }

// Close makes room for another connection. Closing twice is harmless.
func (w *wire) Close() error {
	if w.closed.Swap(true) {
		return nil
	}
	w.live.Leave()
	return w.c.Close()
}

// CloseWrite ends what we send. The peer may go on.
func (w *wire) CloseWrite() error {
	if cw, ok := w.c.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return nil
}

func (w *wire) Read(p []byte) (int, error)         { return w.c.Read(p) }
func (w *wire) Write(p []byte) (int, error)        { return w.c.Write(p) }
func (w *wire) LocalAddr() net.Addr                { return w.c.LocalAddr() }
func (w *wire) RemoteAddr() net.Addr               { return w.remote }
func (w *wire) SetDeadline(t time.Time) error      { return w.c.SetDeadline(t) }
func (w *wire) SetReadDeadline(t time.Time) error  { return w.c.SetReadDeadline(t) }
func (w *wire) SetWriteDeadline(t time.Time) error { return w.c.SetWriteDeadline(t) }

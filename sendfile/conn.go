package sendfile

import (
	"context"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// Conn is a connection that counts its bytes and keeps the fast methods: for Send
// and Receive, and for io.Copy between it and a *Section, a *os.File or an
// io.LimitedReader of a *os.File.
//
// Its methods may be called concurrently as far as those of the connection below
// allow it.
//
// Conn does not implement syscall.Conn and embeds nothing, because code that
// finds the descriptor bypasses the wrapper. NetConn returns the connection below.
type Conn struct {
	conn       net.Conn
	sent       atomic.Int64
	received   atomic.Int64
	zeroCopied atomic.Int64
}

var _ interface {
	net.Conn
	io.ReaderFrom
	io.WriterTo
} = (*Conn)(nil)

// NewConn returns a Conn on top of c. Its Close closes c.
func NewConn(c net.Conn) *Conn { return &Conn{conn: c} }

// NetConn returns the connection below. Bytes read from it or written to it
// directly are not counted.
func (c *Conn) NetConn() net.Conn { return c.conn }

// Sent returns how many bytes the kernel has accepted for the peer. Sent,
// Received and ZeroCopied may be called at any time, also during a transfer.
func (c *Conn) Sent() int64 { return c.sent.Load() }

// Received returns how many bytes have been read from the peer.
func (c *Conn) Received() int64 { return c.received.Load() }

// ZeroCopied returns how many of the bytes sent and received never entered this
// process. It counts only bytes that this package moved: package net does not
// report how it sends a *os.File.
func (c *Conn) ZeroCopied() int64 { return c.zeroCopied.Load() }

// count adds n bytes to the counter for op, and zeroCopied to ZeroCopied.
func (c *Conn) count(op string, n, zeroCopied int64) {
	if op == opReceive {
		c.received.Add(n)
	} else {
		c.sent.Add(n)
	}
	c.zeroCopied.Add(zeroCopied)
}

// Read reads from the peer and counts the bytes.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.conn.Read(p)
	c.received.Add(int64(n))
	return n, err
}

// Write writes to the peer and counts the bytes.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.conn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

// ReadFrom sends r up to its end: by Send if r is a *Section or an
// io.LimitedReader of a regular *os.File, and otherwise as the connection below
// does. io.Copy to a Conn calls it. Like io.Copy, it moves the position of a file.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	switch r := r.(type) {
	case *Section:
		return r.WriteTo(c)
	case *io.LimitedReader:
		if f, ok := r.R.(*os.File); ok {
			n, err := c.sendFile(f, r.N)
			r.N -= n
			return n, err
		}
	}
	// io.Copy from a *os.File passes it in a wrapper of package os that package
	// net can unwrap.
	if rf, ok := c.conn.(io.ReaderFrom); ok {
		n, err := rf.ReadFrom(r)
		c.sent.Add(n)
		return n, err
	}
	return io.Copy(struct{ io.Writer }{c}, r)
}

// sendFile sends at most limit bytes of f from its position on, and moves the
// position, as reading would.
func (c *Conn) sendFile(f *os.File, limit int64) (int64, error) {
	off, err := f.Seek(0, io.SeekCurrent)
	if err != nil { // f is a pipe
		return io.Copy(struct{ io.Writer }{c}, io.LimitReader(f, limit))
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return io.Copy(struct{ io.Writer }{c}, io.LimitReader(f, limit))
	}
	res, err := Send(context.Background(), c, f, off, max(min(limit, info.Size()-off), 0), nil)
	if _, seekErr := f.Seek(off+res.Sent, io.SeekStart); err == nil {
		err = seekErr
	}
	return res.Sent, err
}

// WriteTo receives until the peer closes its side, and writes the bytes to w, by
// Receive if w is a regular *os.File that is not open with O_APPEND. io.Copy from
// a Conn calls it. Like io.Copy, it moves the position of a file.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	f, ok := w.(*os.File)
	if !ok || !isWritableAtOffsets(f) {
		return io.Copy(w, struct{ io.Reader }{c})
	}
	off, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	res, err := Receive(context.Background(), f, c, off, -1, nil)
	if _, seekErr := f.Seek(off+res.Sent, io.SeekStart); err == nil {
		err = seekErr
	}
	return res.Sent, err
}

// isWritableAtOffsets reports whether f is a regular file that does not append.
func isWritableAtOffsets(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	_, err = f.WriteAt(nil, 0)
	return err == nil // package os refuses WriteAt if f appends
}

// Close closes the connection below.
func (c *Conn) Close() error { return c.conn.Close() }

// CloseWrite ends the stream to the peer, which may still send. If the connection
// below has no CloseWrite, the error is os.ErrInvalid in a *net.OpError.
func (c *Conn) CloseWrite() error {
	if cw, ok := c.conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return &net.OpError{Op: "close", Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.ErrInvalid}
}

// LocalAddr returns the local address.
func (c *Conn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// RemoteAddr returns the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// SetDeadline sets the read and the write deadline, see net.Conn.
func (c *Conn) SetDeadline(t time.Time) error { return c.conn.SetDeadline(t) }

// SetReadDeadline sets the deadline of Read and Receive.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }

// SetWriteDeadline sets the deadline of Write and Send.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }

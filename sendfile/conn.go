package sendfile

import (
	"context"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// Conn is a connection that counts what passes through it and keeps the fast
// methods open: for Send and Receive, and for an io.Copy between it and a
// *Section, a *os.File or an io.LimitedReader over one.
//
// It shows no syscall.Conn: what finds the descriptor passes by all that a
// wrapper does. For the same reason it embeds nothing. NetConn is the way to
// what is below.
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

// NewConn returns c with counters. Closing one closes the other.
func NewConn(c net.Conn) *Conn { return &Conn{conn: c} }

// NetConn returns the connection below. What is done to it is not counted.
func (c *Conn) NetConn() net.Conn { return c.conn }

// Sent returns how many bytes the kernel has accepted for the peer. It may be
// called at any time, as may Received and ZeroCopied.
func (c *Conn) Sent() int64 { return c.sent.Load() }

// Received returns how many bytes have come from the peer.
func (c *Conn) Received() int64 { return c.received.Load() }

// ZeroCopied returns how many of both never entered this process, as far as
// this package moved them: what package net does with a *os.File is not told.
func (c *Conn) ZeroCopied() int64 { return c.zeroCopied.Load() }

// count adds to the counters of a transfer's direction.
func (c *Conn) count(op string, n, zeroCopied int64) {
	if op == opReceive {
		c.received.Add(n)
	} else {
		c.sent.Add(n)
	}
	c.zeroCopied.Add(zeroCopied)
}

// Read reads from the peer.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.conn.Read(p)
	c.received.Add(int64(n))
	return n, err
}

// Write writes to the peer.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.conn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

// ReadFrom sends r to its end. It is what io.Copy to a Conn calls.
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
	// Here io.Copy arrives with a *os.File in a wrapper of package os, which
	// package net can see through.
	if rf, ok := c.conn.(io.ReaderFrom); ok {
		n, err := rf.ReadFrom(r)
		c.sent.Add(n)
		return n, err
	}
	return io.Copy(struct{ io.Writer }{c}, r)
}

// sendFile sends at most limit bytes from the position of f on, and moves the
// position, as a reader of f would.
func (c *Conn) sendFile(f *os.File, limit int64) (int64, error) {
	off, err := f.Seek(0, io.SeekCurrent)
	if err != nil { // a pipe
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

// WriteTo receives until the peer has closed its side and writes it to w, by
// Receive if w is a regular file. It is what io.Copy from a Conn calls.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	f, ok := w.(*os.File)
	if !ok || !isPlain(f) {
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

// isPlain reports whether f can be written at an offset.
func isPlain(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	_, err = f.WriteAt(nil, 0)
	return err == nil // else it appends
}

// Close closes the connection.
func (c *Conn) Close() error { return c.conn.Close() }

// CloseWrite ends the stream to the peer, which may still send. It returns
// an error if the connection below has no CloseWrite.
func (c *Conn) CloseWrite() error {
	if cw, ok := c.conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return &net.OpError{Op: "close", Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.ErrInvalid}
}

// LocalAddr returns our address.
func (c *Conn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// RemoteAddr returns the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// SetDeadline sets both deadlines, see net.Conn.
func (c *Conn) SetDeadline(t time.Time) error { return c.conn.SetDeadline(t) }

// SetReadDeadline sets the deadline of Read and Receive.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }

// SetWriteDeadline sets the deadline of Write and Send.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }

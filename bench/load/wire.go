package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A wire is a connection to the server. It has a buffer for heads, but what a
// body holds goes past it: dropped by the kernel where that can be, or read
// into a scratch buffer.
type wire struct {
	conn    net.Conn
	dropper dropper     // of conn, if it is plain TCP
	stop    func() bool // ends the watch on the context

	timeout time.Duration
	armed   time.Time // when the deadline was last moved

	buf  []byte
	r, w int // buf[r:w] has come and not been used

	moved *atomic.Int64 // counts bytes of bodies as they move
}

// scratches are what content is read into that the kernel cannot drop.
var scratches = sync.Pool{New: func() any { return new([64 << 10]byte) }}

var dialer = net.Dialer{KeepAlive: -1} // probes would cost four system calls a connection

// dial connects to address, over TLS if config is not nil. The end of ctx
// closes the connection, whatever it is doing.
func dial(ctx context.Context, address string, config *tls.Config, timeout time.Duration) (*wire, error) {
	dialing, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := dialer.DialContext(dialing, "tcp", address)
	if err != nil {
		return nil, err
	}
	w := &wire{conn: conn, timeout: timeout}
	w.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if config == nil {
		w.dropper.use(conn)
		return w, nil
	}
	if err := w.startTLS(config); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// startTLS goes on with TLS.
func (w *wire) startTLS(config *tls.Config) error {
	c := tls.Client(w.conn, config)
	w.arm()
	if err := c.Handshake(); err != nil {
		return err
	}
	w.conn, w.dropper = c, dropper{}
	return nil
}

// hold waits until the server ends the connection, or says something unasked,
// which comes to the same: it is a farewell.
func (w *wire) hold() error {
	_ = w.conn.SetDeadline(time.Time{}) // fails on a closed connection, as will Read
	var one [1]byte
	if _, err := w.conn.Read(one[:]); err != nil {
		return err
	}
	return io.EOF
}

func (w *wire) close() {
	w.stop()
	_ = w.conn.Close()
}

// arm moves the deadline ahead, though not each time it is asked, for that is
// not free. A step may then take between one and one and a quarter timeouts.
func (w *wire) arm() {
	if now := time.Now(); now.Sub(w.armed) >= w.timeout/4 {
		_ = w.conn.SetDeadline(now.Add(w.timeout + w.timeout/4)) // fails on a closed connection, as will what follows
		w.armed = now
	}
}

// fill reads more into the buffer, which must not be full.
func (w *wire) fill() error {
	if w.r > 0 {
		w.w = copy(w.buf, w.buf[w.r:w.w])
		w.r = 0
	}
	if w.buf == nil {
		w.buf = make([]byte, maxHead)
	}
	w.arm()
	n, err := w.conn.Read(w.buf[w.w:])
	w.w += n
	if n > 0 {
		return nil
	}
	return err
}

// line returns the next line without its CRLF. It is valid until the next call.
func (w *wire) line() ([]byte, error) {
	for {
		if i := bytes.IndexByte(w.buf[w.r:w.w], '\n'); i >= 0 {
			line := w.buf[w.r : w.r+i]
			w.r += i + 1
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		if w.w-w.r >= maxHead {
			return nil, errHead
		}
		if err := w.fill(); err != nil {
			return nil, atMiddle(err)
		}
	}
}

// body takes the next n bytes, or all until the end of the stream if n < 0,
// and writes them to d if that is not nil.
func (w *wire) body(n int64, d *digest) error {
	if have := int64(w.w - w.r); have > 0 {
		if n >= 0 {
			have = min(have, n)
		}
		if d != nil {
			_, _ = d.Write(w.buf[w.r : w.r+int(have)])
		}
		w.took(have, &n)
		w.r += int(have)
	}
	if n == 0 {
		return nil
	}
	if d == nil && w.dropper.can() {
		return w.drop(n)
	}
	scratch := scratches.Get().(*[64 << 10]byte)
	defer scratches.Put(scratch)
	for n != 0 {
		p := scratch[:]
		if n > 0 {
			p = p[:min(n, int64(len(p)))]
		}
		w.arm()
		got, err := w.conn.Read(p)
		if d != nil {
			_, _ = d.Write(p[:got])
		}
		w.took(int64(got), &n)
		if err != nil && n != 0 {
			return end(n, err)
		}
	}
	return nil
}

// drop takes the next n bytes without seeing them.
func (w *wire) drop(n int64) error {
	for n != 0 {
		w.arm()
		got, err := w.dropper.drop(n)
		w.took(int64(got), &n)
		if err != nil {
			return end(n, err)
		}
	}
	return nil
}

// took counts bytes of a body, of which n were still to come.
func (w *wire) took(got int64, n *int64) {
	w.moved.Add(got)
	if *n > 0 {
		*n -= got
	}
}

// end is what the error that ended a body means, if n bytes of it were still
// to come, or it was to end with the stream if n < 0.
func end(n int64, err error) error {
	// Servers are known to leave out TLS's farewell (io.ErrUnexpectedEOF). Those
	// who call body compare what came with what should.
	if n < 0 && (err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF)) {
		return nil
	}
	return atMiddle(err)
}

// atMiddle is err where there should have been more.
func atMiddle(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return errShort
	}
	return err
}

// send writes p.
func (w *wire) send(p []byte) error {
	w.arm()
	_, err := w.conn.Write(p)
	return err
}

// endTLS tells the peer that all has been sent and waits until it ends the
// connection; without TLS it does nothing. To close at once would reset the connection,
// as the peer's session tickets have come and nobody reads them, and the reset
// overtakes what was sent.
func (w *wire) endTLS() error {
	c, ok := w.conn.(*tls.Conn)
	if !ok {
		return nil
	}
	w.arm()
	if err := c.CloseWrite(); err != nil {
		return err
	}
	if tcp, ok := c.NetConn().(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // the farewell of TLS is what counts
	}
	_, _ = io.Copy(io.Discard, c) // how it ends is in the reply
	return nil
}

// upload sends n bytes by repeating content.
func (w *wire) upload(content []byte, n int64) error {
	for n > 0 {
		w.arm()
		sent, err := w.conn.Write(content[:min(n, int64(len(content)))])
		w.took(int64(sent), &n)
		if err != nil {
			return err
		}
	}
	return nil
}

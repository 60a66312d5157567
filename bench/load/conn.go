package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A serverConn is a connection to the server. It has a buffer for heads. Bodies
// do not pass through it: the kernel drops them where it can, or they are read
// into a scratch buffer.
type serverConn struct {
	netConn net.Conn
	dropper dropper     // of netConn, if it is plain TCP
	stop    func() bool // ends the wait for the context

	timeout  time.Duration
	extended time.Time // when the deadline was last extended

	buf  []byte
	r, w int // buf[r:w] is read and not used yet

	moved *atomic.Int64 // counts bytes of bodies as they move
}

// scratches are buffers for bodies that the kernel cannot drop.
var scratches = sync.Pool{New: func() any { return new([64 << 10]byte) }}

var dialer = net.Dialer{KeepAlive: -1} // probes would cost four system calls a connection

// dial connects to address, over TLS if config is not nil. The end of ctx closes
// the connection at any time.
func dial(ctx context.Context, address string, config *tls.Config, timeout time.Duration) (*serverConn, error) {
	dialing, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := dialFromAny(address, func(from net.Addr) (net.Conn, error) {
		d := dialer
		d.LocalAddr = from
		return d.DialContext(dialing, "tcp", address)
	})
	if err != nil {
		return nil, err
	}
	s := &serverConn{netConn: conn, timeout: timeout}
	s.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if config == nil {
		s.dropper.use(conn)
		return s, nil
	}
	if err := s.startTLS(config); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// sources is how many local addresses dialFromAny tries. Each has some 28,000
// ports.
const sources = 16

// dialFromAny dials address from the address that the system chooses. If that has
// no port left, and this machine has more addresses because it dials itself, it
// dials from those; only Linux has them without configuration.
func dialFromAny(address string, dial func(from net.Addr) (net.Conn, error)) (net.Conn, error) {
	conn, err := dial(nil)
	to, perr := netip.ParseAddrPort(address)
	if err == nil || kindOf(err) != noPort || perr != nil || !to.Addr().Is4() || !to.Addr().IsLoopback() {
		return conn, err
	}
	for i := range byte(sources) {
		from := &net.TCPAddr{IP: net.IPv4(127, 0, 1, 1+i)}
		conn, another := dial(from)
		if another == nil || kindOf(another) != noPort {
			return conn, another
		}
	}
	return nil, err
}

// startTLS does the handshake. From then on the connection uses TLS.
func (s *serverConn) startTLS(config *tls.Config) error {
	c := tls.Client(s.netConn, config)
	s.extendDeadline()
	if err := c.Handshake(); err != nil {
		return err
	}
	s.netConn, s.dropper = c, dropper{}
	return nil
}

// waitForClose waits until the server closes the connection and returns how. If
// the server sends anything unasked, that counts as closed: it is a farewell.
func (s *serverConn) waitForClose() error {
	_ = s.netConn.SetDeadline(time.Time{}) // fails on a closed connection, and so does Read
	var one [1]byte
	if _, err := s.netConn.Read(one[:]); err != nil {
		return err
	}
	return io.EOF
}

func (s *serverConn) close() {
	s.stop()
	_ = s.netConn.Close()
}

// extendDeadline moves the deadline ahead, at most once in a quarter of the
// timeout, because it takes a while. So a step may take one timeout to one and a
// quarter.
func (s *serverConn) extendDeadline() {
	if now := time.Now(); now.Sub(s.extended) >= s.timeout/4 {
		_ = s.netConn.SetDeadline(now.Add(s.timeout + s.timeout/4)) // fails on a closed connection, and so does what follows
		s.extended = now
	}
}

// fill reads more into the buffer, which must not be full.
func (s *serverConn) fill() error {
	if s.r > 0 {
		s.w = copy(s.buf, s.buf[s.r:s.w])
		s.r = 0
	}
	if s.buf == nil {
		s.buf = make([]byte, maxHead)
	}
	s.extendDeadline()
	n, err := s.netConn.Read(s.buf[s.w:])
	s.w += n
	if n > 0 {
		return nil
	}
	return err
}

// line returns the next line without its CRLF. It is valid until the next call.
func (s *serverConn) line() ([]byte, error) {
	for {
		if i := bytes.IndexByte(s.buf[s.r:s.w], '\n'); i >= 0 {
			line := s.buf[s.r : s.r+i]
			s.r += i + 1
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		if s.w-s.r >= maxHead {
			return nil, errHead
		}
		if err := s.fill(); err != nil {
			return nil, unexpectedEnd(err)
		}
	}
}

// body reads the next n bytes, or all until the end of the stream if n < 0, and
// writes them to d if that is not nil.
func (s *serverConn) body(n int64, d *digest) error {
	if have := int64(s.w - s.r); have > 0 {
		if n >= 0 {
			have = min(have, n)
		}
		if d != nil {
			_, _ = d.Write(s.buf[s.r : s.r+int(have)])
		}
		s.count(have, &n)
		s.r += int(have)
	}
	if n == 0 {
		return nil
	}
	if d == nil && s.dropper.can() {
		return s.drop(n)
	}
	scratch := scratches.Get().(*[64 << 10]byte)
	defer scratches.Put(scratch)
	for n != 0 {
		p := scratch[:]
		if n > 0 {
			p = p[:min(n, int64(len(p)))]
		}
		s.extendDeadline()
		got, err := s.netConn.Read(p)
		if d != nil {
			_, _ = d.Write(p[:got])
		}
		s.count(int64(got), &n)
		if err != nil && n != 0 {
			return endOfBody(n, err)
		}
	}
	return nil
}

// drop has the kernel drop the next n bytes.
func (s *serverConn) drop(n int64) error {
	for n != 0 {
		s.extendDeadline()
		got, err := s.dropper.drop(n)
		s.count(int64(got), &n)
		if err != nil {
			return endOfBody(n, err)
		}
	}
	return nil
}

// count counts bytes of a body, of which n were missing.
func (s *serverConn) count(got int64, n *int64) {
	s.moved.Add(got)
	if *n > 0 {
		*n -= got
	}
}

// endOfBody returns the error of a body that ended with err while n bytes were
// missing; if n < 0, the body ends with the stream.
func endOfBody(n int64, err error) error {
	// Some servers close without the close_notify of TLS (io.ErrUnexpectedEOF).
	// The callers of body check its length.
	if n < 0 && (err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF)) {
		return nil
	}
	return unexpectedEnd(err)
}

// unexpectedEnd returns errShort for the end of a stream, and other errors as
// they are.
func unexpectedEnd(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return errShort
	}
	return err
}

// send writes p.
func (s *serverConn) send(p []byte) error {
	s.extendDeadline()
	_, err := s.netConn.Write(p)
	return err
}

// endTLS sends close_notify and waits until the peer closes the connection;
// without TLS it does nothing. Closing at once would reset the connection,
// because the session tickets of the peer are unread, and the reset would
// overtake the data.
func (s *serverConn) endTLS() error {
	c, ok := s.netConn.(*tls.Conn)
	if !ok {
		return nil
	}
	s.extendDeadline()
	if err := c.CloseWrite(); err != nil {
		return err
	}
	if tcp, ok := c.NetConn().(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // close_notify is sent already
	}
	_, _ = io.Copy(io.Discard, c) // the reply says whether it succeeded
	return nil
}

// upload sends n bytes by repeating content.
func (s *serverConn) upload(content []byte, n int64) error {
	for n > 0 {
		s.extendDeadline()
		sent, err := s.netConn.Write(content[:min(n, int64(len(content)))])
		s.count(int64(sent), &n)
		if err != nil {
			return err
		}
	}
	return nil
}

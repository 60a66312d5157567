package netconn

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"sluice/internal/live"
	"sluice/sendfile"
)

// Conn is an accepted connection. Package sendfile writes to it. It does not embed
// the net.Conn, so that no method of that passes it by.
type Conn struct {
	conn    net.Conn
	raw     syscall.RawConn // nil: conn has no descriptor
	session live.Session    // left by Close; before Enter it only has the address of the client
	minRate *minRate        // nil: none
	sent    atomic.Int64    // bytes, by SendFile and SendBytes
	state   atomic.Int32
	closed  atomic.Bool
	stalled atomic.Bool // Stalled was called
}

// The states of a Conn. EndIdle ends only a connection that is idle, so that no
// request that came in time is lost.
const (
	idle  int32 = iota // waits for the beginning of a request
	busy               // has a part of a request, or has yet to look
	ended              // by EndIdle
)

// New returns a Conn that owns c. It is idle.
func New(c net.Conn) *Conn {
	n := new(Conn)
	n.Init(c, live.AddrPortOf(c.RemoteAddr()))
	return n
}

// Init makes n, which is zero, an idle connection that owns c. remote is the address of
// the client; zero is that of a unix socket.
func (c *Conn) Init(conn net.Conn, remote netip.AddrPort) {
	c.session.SetRemote(remote)
	c.Replace(conn)
}

// Replace makes conn the connection below, in place of another one of the same socket.
// The caller ends that. Nothing else may be done to the connection meanwhile.
func (c *Conn) Replace(conn net.Conn) {
	c.conn, c.raw = conn, nil
	if sc, ok := conn.(syscall.Conn); ok {
		c.raw, _ = sc.SyscallConn() // an error means that conn is closed, which every use will show
	}
	c.session.SetConn(conn)
}

// Enter adds the connection to a registry. isShared means that it is that of a proxy,
// which many clients share. since is when it was accepted. An error means that there is
// no room.
func (c *Conn) Enter(registry *live.Registry, protocol live.Protocol, isShared bool, since time.Time) error {
	return c.session.Enter(registry, live.Client{Protocol: protocol, Remote: c.Remote(), Conn: c.conn, Shared: isShared, Since: since})
}

// Session returns the session in the registry. It does nothing if there is none.
func (c *Conn) Session() *live.Session { return &c.session }

// Remote returns the address of the client, which is not that of the connection below if
// a proxy has named another. It is zero if the client has none, as on a unix socket.
func (c *Conn) Remote() netip.AddrPort { return c.session.Remote() }

// SetRemote sets the address of the client, if a proxy has named it. It is called before
// Enter.
func (c *Conn) SetRemote(client netip.AddrPort) { c.session.SetRemote(client) }

// SetMinRate cuts the client if it takes less than rate bytes per second on average
// over a window of time. A rate of 0 is no bound.
func (c *Conn) SetMinRate(rate int64, window time.Duration) { c.minRate = newMinRate(rate, window) }

// AddSent counts bytes that were sent by other means than SendFile and SendBytes.
func (c *Conn) AddSent(n int64) { c.sent.Add(n) }

// Sent returns the number of bytes sent by SendFile and SendBytes.
func (c *Conn) Sent() int64 { return c.sent.Load() }

// SyscallConn implements syscall.Conn.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if c.raw == nil {
		return nil, errors.ErrUnsupported
	}
	return c.raw, nil
}

// RawConn returns the syscall.RawConn; nil if the connection has no descriptor.
func (c *Conn) RawConn() syscall.RawConn { return c.raw }

// SetIdle lets EndIdle end the connection until SetBusy is called. It reports
// whether the connection may wait for a request; it may not if the server is closing.
// A server sets closing before it calls EndIdle.
func (c *Conn) SetIdle(closing *atomic.Bool) bool {
	c.state.Store(idle)
	return !closing.Load() || !c.state.CompareAndSwap(idle, ended)
}

// SetBusy says that a request has begun. It reports whether the connection was not
// ended before.
func (c *Conn) SetBusy() bool {
	return c.state.Load() == busy || c.state.CompareAndSwap(idle, busy)
}

// EndIdle ends the connection if it is idle. Any goroutine may call it.
func (c *Conn) EndIdle() {
	if c.state.CompareAndSwap(idle, ended) {
		c.Cut()
	}
}

// Cut makes everything that is done to the connection fail. Any goroutine may call
// it. The goroutine that serves the connection still has to close it.
func (c *Conn) Cut() { _ = c.conn.Close() }

// SendFile sends n bytes of f from off on, and SendBytes sends bytes in memory. They
// have no context; see the package comment. t may be nil.
func (c *Conn) SendFile(f io.ReaderAt, off, n int64, opt sendfile.Options, t *live.Transfer) (res sendfile.Result, err error) {
	if c.stalled.Load() {
		return res, errStalled
	}
	defer func() { c.check(err) }()
	opt.Progress, opt.Disk = t.Hook(), t.Waiting(f, opt.Disk)
	if c.minRate != nil {
		wait := opt.Wait
		opt.Wait = nil
		return c.minRate.send(n, wait, func(ctx context.Context, done, n int64) (sendfile.Result, error) {
			o := opt
			res, err := sendfile.Send(ctx, c, f, off+done, n, &o)
			c.sent.Add(res.Sent)
			t.Add(res)
			return res, err
		})
	}
	res, err = sendfile.Send(context.Background(), c, f, off, n, &opt)
	c.sent.Add(res.Sent)
	t.Add(res)
	return res, err
}

// SendBytes sends p.
func (c *Conn) SendBytes(p []byte, opt sendfile.Options) (res sendfile.Result, err error) {
	if c.stalled.Load() {
		return res, errStalled
	}
	if c.minRate != nil {
		res, err = c.minRate.send(int64(len(p)), nil, func(ctx context.Context, done, n int64) (sendfile.Result, error) {
			o := opt
			return sendfile.Write(ctx, c, p[done:done+n], &o)
		})
	} else {
		res, err = sendfile.Write(context.Background(), c, p, &opt)
	}
	c.sent.Add(res.Sent)
	c.check(err)
	return res, err
}

// errStalled is the error of sending to a client that has stalled before. TLS tries to,
// to end the connection in order.
var errStalled = &sendfile.Error{Op: "send", Side: sendfile.Peer, Method: sendfile.Copy, Err: os.ErrDeadlineExceeded}

// check calls Stalled if err, of sending, is that of a client that takes nothing, or too
// little.
func (c *Conn) check(err error) {
	if isStall(err) {
		c.Stalled()
	}
}

func isStall(err error) bool {
	if err == nil {
		return false
	}
	var e *sendfile.Error
	return errors.Is(err, ErrTooSlow) || errors.As(err, &e) && e.Timeout()
}

// Stalled says that the client takes nothing, or too little. Nothing is sent any more,
// and closing resets the connection: otherwise the system would offer the client what is
// in the send buffer, often megabytes, for minutes.
func (c *Conn) Stalled() {
	c.stalled.Store(true)
	resetOnClose(c.conn)
}

// resetOnClose makes closing conn reset it, if it has SetLinger.
func resetOnClose(conn net.Conn) {
	if l, ok := conn.(interface{ SetLinger(sec int) error }); ok {
		_ = l.SetLinger(0)
	}
}

// lingerTime is how long a client has to read why it is refused.
const lingerTime = time.Second

// Refuse sends a response and gives the client a second to read it. The caller closes
// c afterwards.
func (c *Conn) Refuse(response []byte) {
	_ = c.SetDeadline(time.Now().Add(lingerTime))
	_, _ = c.Write(response)
	c.Linger()
}

// Linger ends our side, and reads what comes for a second: to close a connection
// with unread bytes would discard what was sent before.
func (c *Conn) Linger() {
	_ = c.CloseWrite()
	_ = c.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, struct{ io.Reader }{c}, 256<<10)
}

// Close closes the connection and leaves the registry. Closing twice is harmless.
func (c *Conn) Close() error {
	if !c.Leave() {
		return nil
	}
	return c.conn.Close()
}

// Leave leaves the registry without closing the connection, which the caller does. It
// reports whether that was the first call of Leave or Close.
func (c *Conn) Leave() bool {
	if c.closed.Swap(true) {
		return false
	}
	c.session.Leave()
	return true
}

// CloseWrite ends our side. The peer may go on.
func (c *Conn) CloseWrite() error {
	if cw, ok := c.conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return nil
}

// RemoteAddr returns the address of the client.
func (c *Conn) RemoteAddr() net.Addr {
	if remote := c.Remote(); remote.IsValid() {
		return net.TCPAddrFromAddrPort(remote)
	}
	return c.conn.RemoteAddr()
}

// The other methods of net.Conn.

func (c *Conn) Read(p []byte) (int, error)         { return c.conn.Read(p) }
func (c *Conn) Write(p []byte) (int, error)        { return c.conn.Write(p) }
func (c *Conn) LocalAddr() net.Addr                { return c.conn.LocalAddr() }
func (c *Conn) SetDeadline(t time.Time) error      { return c.conn.SetDeadline(t) }
func (c *Conn) SetReadDeadline(t time.Time) error  { return c.conn.SetReadDeadline(t) }
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }

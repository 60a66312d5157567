package sendfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	defaultChunk = 256 << 10 // larger ones are not cheaper, see BenchmarkSend
	maxChunk     = 1 << 30   // fits an int, the 0x7ffff000 bytes that Linux takes at once and the 2^31-2 of Windows
)

// What Error.Op says.
const (
	opSend    = "send"
	opReceive = "receive"
)

// transfer is one Send or Receive under way: the loop that both share. What
// differs is in move, which brings some bytes from source to destination.
type transfer struct {
	// What is moved.
	op      string   // opSend or opReceive
	conn    net.Conn // below counter, if there is one
	counter *Conn    // nil: nobody counts
	content
	off  int64 // next position in the content
	left int64 // most bytes still to be moved
	// untilEnd says that the transfer is complete when the source ends, which
	// only a read can find out. Then left is what the largest offset allows.
	untilEnd bool

	// How it is moved.
	ctx context.Context
	opt Options
	sys *kernel
	res Result
	// move brings at most n bytes over and blocks until it has moved at least
	// one. It returns 0, nil at the end of the source, and a count beside an
	// error when both are true.
	move func(t *transfer, n int) (int, error)

	// Of file when it was last asked for; Send from a file only.
	size int64
	mode fs.FileMode

	// Descriptors. connRaw is nil when conn must be used through its own Read
	// and Write (TLS, pipes, wrappers, platforms without raw calls), and
	// fileRaw when the content is no file or a closed one.
	connRaw syscall.RawConn
	fileRaw syscall.RawConn

	// The copy method.
	sequential bool    // file has no positions: a pipe, a FIFO, a socket
	buf        *buffer // from the pool, returned by release
	pending    []byte  // part of buf that was read and not yet written
	readErr    error   // why the source gave no more; what is pending goes first

	// One call of a callback.
	ask    int // in: most bytes to move
	got    int // out: bytes moved
	err    error
	at     int64 // an offset for the kernel to scribble on
	connFD uintptr
	queued int // bytes in the socket's send queue when it was last full

	armed bool // the deadline of conn is ours
	idle  bool // opt.Idle was told so

	// The splice method.
	pipe     *pipe
	drainOff int64 // where in file the pipe is emptied to

	transmitter *transmitter // of the TransmitFile method; nil on any other

	reserved int64 // end of the room made in file; Receive only

	// Kept from one use to the next, so that neither a step nor the next
	// transfer on a connection allocates.
	callbacks callbacks
	last      descriptors
}

// callbacks are methods of a transfer, bound once for each that the pool
// makes.
type callbacks struct {
	stat      func(fd uintptr)
	sendReady func(fd uintptr) bool
	sendFrom  func(fd uintptr)
	writable  func(fd uintptr) bool
	readable  func(fd uintptr) bool
	splice    func(fd uintptr) bool
	drain     func(fd uintptr)
	transmit  func(fd uintptr)
	startFrom func(fd uintptr)
	askTaken  func(fd uintptr)
}

var transfers = sync.Pool{New: func() any {
	t := new(transfer)
	t.callbacks = callbacks{
		stat:      t.statFD,
		sendReady: t.sendReady,
		sendFrom:  t.sendFrom,
		writable:  t.writeReady,
		readable:  t.readReady,
		splice:    t.spliceReady,
		drain:     t.drainInto,
		transmit:  t.transmitTo,
		startFrom: t.startFrom,
		askTaken:  t.askTaken,
	}
	return t
}}

// descriptors are those of a transfer's last use. The next on the same
// connection usually gets the same transfer from the pool. They are kept no
// longer than the pool, which forgets with the garbage collector.
type descriptors struct {
	tcp  *net.TCPConn
	conn syscall.RawConn // of tcp
	os   *os.File
	file syscall.RawConn // of os
}

// ofConn returns nil if conn has no descriptor. Only *net.TCPConn is
// remembered: not every connection can be compared.
func (d *descriptors) ofConn(conn net.Conn) syscall.RawConn {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	tcp, ok := conn.(*net.TCPConn)
	if ok && tcp == d.tcp {
		return d.conn
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	if ok {
		d.tcp, d.conn = tcp, raw
	}
	return raw
}

// ofFile returns nil if file is closed.
func (d *descriptors) ofFile(file *os.File) syscall.RawConn {
	if file != d.os {
		raw, err := file.SyscallConn()
		if err != nil {
			return nil
		}
		d.os, d.file = file, raw
	}
	return d.file
}

// begin takes a transfer from the pool, checked and filled with what Send,
// Write and Receive have in common.
func begin(ctx context.Context, op string, conn net.Conn, content content, off, n int64, opt *Options, sys *kernel) (*transfer, error) {
	t := transfers.Get().(*transfer)
	t.op, t.conn, t.content, t.off, t.ctx, t.sys = op, conn, content, off, ctx, sys
	if c, ok := conn.(*Conn); ok {
		t.counter, t.conn = c, c.conn
	}
	t.opt = Options{}
	if opt != nil {
		t.opt = *opt
	}
	t.left = n
	if n < 0 {
		t.untilEnd, t.left = true, math.MaxInt64-max(off, 0)
	}
	t.res = Result{Method: Copy}
	if err := t.check(); err != nil {
		return t, t.fail(Caller, err)
	}
	t.attach()
	return t, nil
}

func (t *transfer) check() error {
	switch {
	case t.ctx == nil:
		return errors.New("nil context")
	case t.conn == nil:
		return errors.New("nil connection")
	case t.isMissing():
		return errors.New("nil file")
	case t.off < 0:
		return fmt.Errorf("negative offset %d", t.off)
	case t.left > math.MaxInt64-t.off:
		return fmt.Errorf("offset %d and count %d pass the largest file", t.off, t.left)
	case t.opt.Chunk < 0:
		return fmt.Errorf("negative Options.Chunk %d", t.opt.Chunk)
	case t.opt.Timeout < 0:
		return fmt.Errorf("negative Options.Timeout %v", t.opt.Timeout)
	case t.opt.Method > TransmitFile:
		return fmt.Errorf("unknown Options.Method %v", t.opt.Method)
	}
	if a := t.conn.LocalAddr(); a != nil && !isStream(a.Network()) {
		return fmt.Errorf("%s is not a stream connection", a.Network())
	}
	return nil
}

// isStream reports whether a connection of that network keeps no message
// boundaries. Names that package net does not use belong to the caller's own
// connections and are taken for streams.
func isStream(network string) bool {
	for _, datagram := range []string{"udp", "ip", "unixgram", "unixpacket"} {
		if strings.HasPrefix(network, datagram) {
			return false
		}
	}
	return true
}

// attach finds the descriptors below conn and file. Going without one is no
// error, only slower.
func (t *transfer) attach() {
	if t.file != nil {
		t.fileRaw = t.last.ofFile(t.file)
	}
	if t.sys.write != nil {
		t.connRaw = t.last.ofConn(t.conn)
	}
}

// withFile calls f with the descriptor of the file, which stays its own for as
// long as the call lasts: a number alone could mean another file by then.
func (t *transfer) withFile(f func(fd uintptr)) error {
	if t.fileRaw.Control(f) != nil {
		return os.ErrClosed // the only reason there is; package os does not export its value
	}
	return nil
}

// release gives back what the transfer borrowed.
func (t *transfer) release() {
	if t.buf != nil {
		buffers.Put(t.buf)
	}
	if t.pipe != nil {
		t.pipe.close()
	}
	if t.transmitter != nil {
		t.transmitter.close()
	}
	*t = transfer{callbacks: t.callbacks, last: t.last}
	transfers.Put(t)
}

// run moves everything. It owns conn's deadline meanwhile if there is a
// timeout or a context that can end.
func (t *transfer) run() error {
	if t.left == 0 {
		return nil
	}
	defer t.disarm()
	if t.ctx.Done() == nil {
		return t.loop()
	}

	// A deadline in the past ends a wait under way; the next one is prevented
	// by arm, which looks at the context after it has set its own deadline.
	interrupted := make(chan struct{})
	stop := context.AfterFunc(t.ctx, func() {
		t.interrupt(time.Unix(1, 0))
		close(interrupted)
	})
	// Also when a hook panics: by then this transfer would be another.
	defer func() {
		if !stop() {
			<-interrupted // or it would strike whatever the caller does next
			t.interrupt(time.Time{})
		}
	}()
	return t.loop()
}

// interrupt sets the deadlines of all that the transfer may wait for.
func (t *transfer) interrupt(at time.Time) {
	_ = t.setDeadline(at)
	if t.sequential {
		_ = t.file.SetReadDeadline(at) // a pipe may keep us waiting like a peer
	}
}

// setDeadline sets the one deadline of conn that this transfer waits by.
func (t *transfer) setDeadline(at time.Time) error {
	if t.op == opReceive {
		return t.conn.SetReadDeadline(at)
	}
	return t.conn.SetWriteDeadline(at)
}

func (t *transfer) loop() error {
	for t.left > 0 {
		grant, err := t.grant()
		if err != nil {
			return t.fail(Caller, err)
		}
		for grant > 0 {
			zeroCopied := t.res.ZeroCopied
			n, err := t.move(t, grant)
			t.off += int64(n)
			t.res.Sent += int64(n)
			if t.counter != nil {
				t.counter.count(t.op, int64(n), t.res.ZeroCopied-zeroCopied)
			}
			grant -= n
			t.left -= int64(n)
			if err != nil {
				return err
			}
			if n == 0 {
				return t.atEOF()
			}
		}
		if t.opt.Progress != nil {
			t.opt.Progress(t.res)
		}
		if t.left > 0 {
			runtime.Gosched() // let the other transfers have their turn
		}
	}
	return nil
}

// grant returns the size of the next chunk.
func (t *transfer) grant() (int, error) {
	n := t.opt.Chunk
	if n == 0 {
		n = defaultChunk
	}
	n = int(min(int64(n), maxChunk, t.left))
	if t.opt.Wait == nil {
		return n, nil
	}
	granted, err := t.opt.Wait(t.ctx, n)
	t.disarm() // a deadline from before would count this time as the peer's
	if err == nil && (granted < 1 || granted > n) {
		err = fmt.Errorf("Options.Wait granted %d of %d bytes", granted, n)
	}
	return granted, err
}

// arm is called before each wait for the peer and returns why it must not
// begin.
func (t *transfer) arm() error {
	if t.opt.Timeout > 0 {
		t.armed = true
		if err := t.setDeadline(time.Now().Add(t.opt.Timeout)); err != nil {
			return fmt.Errorf("set deadline: %w", err)
		}
	}
	if t.ctx.Err() != nil {
		return context.Cause(t.ctx)
	}
	return nil
}

// disarm clears the deadline if it is ours.
func (t *transfer) disarm() {
	if t.armed {
		_ = t.setDeadline(time.Time{})
		t.armed = false
	}
}

// awaitWrite calls ready, which makes one system call and reports whether it
// need not be repeated when the peer takes more, and returns what it settled.
// Most calls need not wait, and then there is no deadline to set: full does,
// unless one of the caller's stands in the way.
func (t *transfer) awaitWrite(ready func(fd uintptr) bool) (int, error) {
	if t.ctx.Err() != nil {
		return 0, context.Cause(t.ctx)
	}
	for {
		err := t.connRaw.Write(ready)
		if err == nil {
			return t.got, t.err
		}
		if !t.drains(err) && (t.armed || t.opt.Timeout == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return 0, err
		}
		if err := t.arm(); err != nil {
			return 0, err
		}
	}
}

// awaitRead is awaitWrite for a peer that sends.
func (t *transfer) awaitRead(ready func(fd uintptr) bool) (int, error) {
	if err := t.arm(); err != nil {
		return 0, err
	}
	err := t.connRaw.Read(ready)
	t.setIdle(false)
	if err != nil {
		return 0, err
	}
	return t.got, t.err
}

// empty reports whether nothing has come that could be read, and tells that
// the wait for it begins.
func (t *transfer) empty() bool {
	if t.err != syscall.EAGAIN {
		return false
	}
	t.setIdle(true)
	return true
}

// setIdle tells opt.Idle what is new to it.
func (t *transfer) setIdle(idle bool) {
	if t.opt.Idle != nil && t.idle != idle {
		t.idle = idle
		t.opt.Idle(idle)
	}
}

// full reports whether the socket takes nothing now and may be waited for. It
// notes how much it holds.
func (t *transfer) full(fd uintptr) bool {
	if t.err != syscall.EAGAIN {
		return false
	}
	if t.opt.Timeout > 0 && t.sys.queued != nil {
		t.queued, _ = t.sys.queued(fd)
	}
	t.err = t.arm()
	return t.err == nil
}

// drains reports whether err is a timeout during which the peer has taken
// bytes all the same. A socket with a send buffer of megabytes becomes
// writable only when a good part of it is free, which a slow peer may need
// minutes for without ever stalling.
func (t *transfer) drains(err error) bool {
	if t.opt.Timeout == 0 || t.sys.queued == nil || t.ctx.Err() != nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	left := t.queued
	_ = t.connRaw.Control(func(fd uintptr) {
		left, _ = t.sys.queued(fd)
	})
	return left < t.queued
}

// settle takes what a system call returned and reports whether a signal
// interrupted it before it did anything. A count hides the error beside it
// (BSDs return both): if the error matters, the next call repeats it.
func (t *transfer) settle(n int, err error) (again bool) {
	t.got, t.err = max(n, 0), err
	if t.got > 0 {
		t.err = nil
	}
	return t.err == syscall.EINTR
}

// atEOF judges a source that ended: early, unless only its end was to tell.
func (t *transfer) atEOF() error {
	if t.untilEnd {
		return nil
	}
	source := File
	if t.op == opReceive {
		source = Peer
	}
	return t.fail(source, io.ErrUnexpectedEOF)
}

// fail dresses a cause; end completes it. A wait that the context prevented or
// interrupted is the caller's doing.
func (t *transfer) fail(side Side, err error) error {
	if t.ctx != nil && t.ctx.Err() != nil {
		if cause := context.Cause(t.ctx); errors.Is(err, cause) || errors.Is(err, os.ErrDeadlineExceeded) {
			side, err = Caller, cause
		}
	}
	return &Error{Op: t.op, Side: side, Err: err}
}

// end returns what the transfer returns.
func (t *transfer) end(err error) (Result, error) {
	if e, ok := err.(*Error); ok { // fail made it, nothing is around it
		e.Method, e.Offset = t.res.Method, t.off
	}
	return t.res, err
}

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
	defaultChunk = 256 << 10 // CPU time per GB is the same with 1 MiB and 4 MiB, see BenchmarkSend
	maxChunk     = 1 << 30   // below the limits of an int, of Linux (0x7ffff000) and of Windows (2^31-2)
)

// The values of Error.Op.
const (
	opSend    = "send"
	opReceive = "receive"
)

// transfer is one call of Send, Write or Receive: its state and the loop that
// all share. They differ in the move function.
type transfer struct {
	// Arguments.
	op      string   // opSend or opReceive
	conn    net.Conn // the caller's connection; below counter, if that is not nil
	counter *Conn    // the caller's connection if it is a *Conn; otherwise nil
	content
	off  int64 // next offset in the content
	left int64 // the most bytes still to be moved
	// untilEnd says that the transfer is complete when the source ends, which
	// only a read can find out. Then left only keeps off within an int64.
	untilEnd bool
	// everything says that the caller wants all of a file, whose size is known: left is
	// the rest of that.
	everything bool
	ctx        context.Context
	opt        Options
	sys        *kernel

	res Result
	// move moves at most n bytes and blocks until it has moved at least one. It
	// returns 0, nil at the end of the source, and may return a count together
	// with an error.
	move func(t *transfer, n int) (int, error)

	// Size and kind of file, as of the last stat; only for Send from a file.
	size int64
	mode fs.FileMode

	// Descriptors. connRaw is nil if conn must be used through its own Read
	// and Write (TLS, pipes, wrappers, platforms without raw calls); fileRaw is
	// nil if the content is not a file, or is a closed one.
	connRaw syscall.RawConn
	fileRaw syscall.RawConn

	// State of the copy method.
	sequential bool    // file has no offsets: a pipe, a FIFO, a socket
	buf        *buffer // from the pool, returned by release
	pending    []byte  // part of buf that was read and not yet written
	readErr    error   // error of the source; reported after pending was written

	// Arguments and results of the system call in a callback.
	want      int // bytes to move at most
	moved     int // bytes that were moved
	err       error
	kernelOff int64 // a copy of an offset, which the kernel may change
	connFD    uintptr

	isWaiting   bool          // the present awaitWrite has found the socket full
	full        progress      // of the peer in the waits for a full socket since the last call of opt.Wait
	watch       *writeWatcher // of a connection that must be used through its own Write, or nil
	deadlineSet bool          // this transfer has set the deadline of conn
	idle        bool          // the last argument of opt.Idle

	// State of the splice method.
	pipe      *pipe
	spliceOff int64 // offset in file for the bytes in the pipe

	transmitter *transmitter // state of the TransmitFile method, or nil

	reserved int64 // end of the space reserved in file, or 0; Receive only

	// Kept for later transfers, so that neither a system call nor the next
	// transfer on a connection allocates.
	callbacks callbacks
	last      descriptors
}

// callbacks holds methods of a transfer as function values. The pool makes them
// once for each transfer value, because making one allocates.
type callbacks struct {
	stat              func(fd uintptr)
	trySendfile       func(fd uintptr) bool
	callSendfile      func(fd uintptr)
	tryWrite          func(fd uintptr) bool
	tryRead           func(fd uintptr) bool
	spliceIn          func(fd uintptr) bool
	spliceOut         func(fd uintptr)
	transmitTo        func(fd uintptr)
	startTransmission func(fd uintptr)
	updateAcked       func(fd uintptr)
	updateProgress    func(fd uintptr)
}

var transfers = sync.Pool{New: func() any {
	t := new(transfer)
	t.callbacks = callbacks{
		stat:              t.statFD,
		trySendfile:       t.trySendfile,
		callSendfile:      t.callSendfile,
		tryWrite:          t.tryWrite,
		tryRead:           t.tryRead,
		spliceIn:          t.spliceFromSocket,
		spliceOut:         t.spliceToFile,
		transmitTo:        t.transmitTo,
		startTransmission: t.startTransmission,
		updateAcked:       t.updateAcked,
		updateProgress:    t.updateProgress,
	}
	return t
}}

// descriptors caches the RawConns of the last transfer that used this value: the
// next transfer on a connection usually gets the same value from the pool. The
// garbage collector empties the pool, so connections are not kept for long.
type descriptors struct {
	tcp  *net.TCPConn
	conn syscall.RawConn // of tcp
	os   *os.File
	file syscall.RawConn // of os
}

// ofConn returns the RawConn of conn, or nil if conn has no descriptor. It caches
// that of a *net.TCPConn only: comparing other types may panic.
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

// ofFile returns the RawConn of file, or nil if file is closed.
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

// newTransfer takes a transfer from the pool, fills in the arguments of Send,
// Write or Receive, and checks them. The caller must release it, also after an
// error.
func newTransfer(ctx context.Context, op string, conn net.Conn, content content, off, n int64, opt *Options, sys *kernel) (*transfer, error) {
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
	t.findDescriptors()
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
		return fmt.Errorf("offset %d plus count %d is beyond the largest file", t.off, t.left)
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

// isStream reports whether network, a name as in net.Addr.Network, is a byte
// stream without message boundaries. A name unknown to package net belongs to a
// connection of the caller's own and counts as a stream.
func isStream(network string) bool {
	for _, datagram := range []string{"udp", "ip", "unixgram", "unixpacket"} {
		if strings.HasPrefix(network, datagram) {
			return false
		}
	}
	return true
}

// findDescriptors sets connRaw and fileRaw. A missing descriptor is no error: the
// transfer is only slower.
func (t *transfer) findDescriptors() {
	if t.file != nil {
		t.fileRaw = t.last.ofFile(t.file)
	}
	if t.sys.write != nil {
		t.connRaw = t.last.ofConn(t.conn)
	}
}

// enter asks Options.Disk for a call of the file, after which the caller calls leave.
func (t *transfer) enter() error {
	if t.opt.Disk == nil {
		return nil
	}
	return t.opt.Disk.Enter()
}

func (t *transfer) leave() {
	if t.opt.Disk != nil {
		t.opt.Disk.Leave()
	}
}

// withFile calls f with the descriptor of the file, which stays open until f
// returns, even if another goroutine closes the file.
func (t *transfer) withFile(f func(fd uintptr)) error {
	if err := t.enter(); err != nil {
		return err
	}
	defer t.leave()
	if t.fileRaw.Control(f) != nil {
		return os.ErrClosed // Control fails for no other reason; package os does not export its error
	}
	return nil
}

// release returns the transfer and its buffer to their pools and closes its pipe
// and handles.
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
	if t.watch != nil {
		t.watch.close()
	}
	*t = transfer{callbacks: t.callbacks, last: t.last}
	transfers.Put(t)
}

// run moves left bytes. Until it returns, it owns conn's deadline if there is a
// timeout or a context that can end.
func (t *transfer) run() error {
	if t.left == 0 {
		return nil
	}
	defer t.clearDeadline()
	if t.ctx.Done() == nil {
		return t.loop()
	}

	// When the context ends, a deadline in the past ends the current wait.
	// prepareWait prevents the next one: it checks the context after it has set
	// its own deadline.
	interrupted := make(chan struct{})
	stop := context.AfterFunc(t.ctx, func() {
		t.setDeadlines(time.Unix(1, 0))
		close(interrupted)
	})
	// Deferred because a hook may panic, and this value then serves another
	// transfer.
	defer func() {
		if !stop() {
			<-interrupted // otherwise the deadline would hit the caller's next call
			t.setDeadlines(time.Time{})
		}
	}()
	return t.loop()
}

// setDeadlines sets the deadlines of everything that the transfer may wait for:
// the connection, and a source that is a pipe.
func (t *transfer) setDeadlines(at time.Time) {
	_ = t.setDeadline(at)
	if t.sequential {
		_ = t.file.SetReadDeadline(at)
	}
}

// setDeadline sets conn's deadline for the direction of this transfer.
func (t *transfer) setDeadline(at time.Time) error {
	if t.op == opReceive {
		return t.conn.SetReadDeadline(at)
	}
	return t.conn.SetWriteDeadline(at)
}

// loop moves chunk after chunk until left is 0, the source ends or a call fails.
func (t *transfer) loop() error {
	for t.left > 0 {
		chunk, err := t.nextChunk()
		if err != nil {
			return t.fail(Caller, err)
		}
		for chunk > 0 {
			zeroCopied := t.res.ZeroCopied
			n, err := t.move(t, chunk)
			t.off += int64(n)
			t.res.Sent += int64(n)
			if t.counter != nil {
				t.counter.count(t.op, int64(n), t.res.ZeroCopied-zeroCopied)
			}
			chunk -= n
			t.left -= int64(n)
			if t.opt.Progress != nil && n > 0 {
				t.opt.Progress(t.res)
			}
			if err != nil {
				return err
			}
			if n == 0 {
				return t.atEOF()
			}
		}
		if t.left > 0 {
			runtime.Gosched() // let other transfers run
		}
	}
	return nil
}

// nextChunk returns the size of the next chunk. It blocks in Options.Wait.
func (t *transfer) nextChunk() (int, error) {
	n := t.opt.Chunk
	if n == 0 {
		n = defaultChunk
	}
	n = int(min(int64(n), maxChunk, t.left))
	if t.opt.Wait == nil {
		return n, nil
	}
	granted, err := t.opt.Wait(t.ctx, n)
	t.clearDeadline() // the time in Wait does not count towards Timeout
	t.full = progress{}
	if err == nil && (granted < 1 || granted > n) {
		err = fmt.Errorf("Options.Wait granted %d of %d bytes", granted, n)
	}
	return granted, err
}

// prepareWait sets the deadline for the next wait for the peer, and returns an
// error if the transfer must end instead of waiting.
func (t *transfer) prepareWait() error {
	var deadline time.Time
	if t.opt.Timeout > 0 {
		deadline = time.Now().Add(t.opt.Timeout)
	}
	return t.prepareWaitUntil(deadline)
}

// prepareWaitUntil is prepareWait with another deadline; the zero time is none.
func (t *transfer) prepareWaitUntil(deadline time.Time) error {
	if !deadline.IsZero() {
		t.deadlineSet = true
		if err := t.setDeadline(deadline); err != nil {
			return fmt.Errorf("set deadline: %w", err)
		}
	}
	if t.ctx.Err() != nil {
		return context.Cause(t.ctx)
	}
	return nil
}

// clearDeadline clears the deadline if this transfer has set it.
func (t *transfer) clearDeadline() {
	if t.deadlineSet {
		_ = t.setDeadline(time.Time{})
		t.deadlineSet = false
	}
}

// awaitRead calls try, which makes one system call and returns false to be called
// again when the socket is readable. It returns the moved and err of the last call.
func (t *transfer) awaitRead(try func(fd uintptr) bool) (int, error) {
	if err := t.prepareWait(); err != nil {
		return 0, err
	}
	err := t.connRaw.Read(try)
	t.setIdle(false)
	if err != nil {
		return 0, err
	}
	return t.moved, t.err
}

// mustWaitToRead reports whether the last call found nothing to read. If so, it
// notes that the transfer is idle.
func (t *transfer) mustWaitToRead() bool {
	if t.err != syscall.EAGAIN {
		return false
	}
	t.setIdle(true)
	return true
}

// setIdle calls opt.Idle if idle has changed.
func (t *transfer) setIdle(idle bool) {
	if t.opt.Idle != nil && t.idle != idle {
		t.idle = idle
		t.opt.Idle(idle)
	}
}

// storeResult sets moved and err to the results of a system call, and reports
// whether a signal interrupted it before it did anything. If there are a count
// and an error (BSDs return both), the error is dropped: if it persists, the next
// call returns it again.
func (t *transfer) storeResult(n int, err error) (again bool) {
	t.moved, t.err = max(n, 0), err
	if t.moved > 0 {
		t.err = nil
	}
	return t.err == syscall.EINTR
}

// atEOF returns the error for a source that has ended: none if the caller wanted
// everything up to the end, and the file has not shrunk. The size of some files is not
// that of their content: those of /sys have 4096.
func (t *transfer) atEOF() error {
	if t.untilEnd {
		return nil
	}
	if t.everything {
		if err := t.stat(); err != nil || t.size > t.off {
			return err
		}
	}
	source := File
	if t.op == opReceive {
		source = Peer
	}
	return t.fail(source, io.ErrUnexpectedEOF)
}

// fail wraps err in an *Error, which finish completes. If the end of the context
// prevented or interrupted a wait, the error becomes the context's cause with
// side Caller.
func (t *transfer) fail(side Side, err error) error {
	if t.ctx != nil && t.ctx.Err() != nil {
		if cause := context.Cause(t.ctx); errors.Is(err, cause) || errors.Is(err, os.ErrDeadlineExceeded) {
			side, err = Caller, cause
		}
	}
	return &Error{Op: t.op, Side: side, Err: err}
}

// finish returns the results of Send, Write or Receive.
func (t *transfer) finish(err error) (Result, error) {
	if e, ok := err.(*Error); ok { // made by fail, and never wrapped
		e.Method, e.Offset = t.res.Method, t.off
	}
	return t.res, err
}

package sendfile

import (
	"context"
	"os"
	"syscall"
	"time"
)

// closeCheckInterval is the time between two checks of whether the connection
// was closed during a transmission, and so the longest that Close has to wait.
const closeCheckInterval = 50 * time.Millisecond

// minProgress is how many bytes a peer must have acknowledged to count as moving.
// It is more than 1 because Windows may count the single bytes with which it
// probes a peer whose window is full.
const minProgress = 64

// transmission is an asynchronous system call that sends from a file to a socket:
// TransmitFile with an OVERLAPPED. A value serves one call after the other.
//
// After start has returned nil, only cancel may be called until done has
// delivered, because until then the kernel writes into the value.
type transmission interface {
	// start begins to send n bytes from off on. n must not be 0, which would
	// mean all of the file. If it returns an error, nothing was sent.
	start(socket, file uintptr, off int64, n int) error
	// done delivers one value for each start that returned nil.
	done() <-chan struct{}
	// cancel makes done deliver soon, if it has not yet.
	cancel(socket uintptr)
	// result returns how many bytes the call sent, also next to an error. Fewer
	// than n without an error means that the file ended.
	result(socket uintptr) (int, error)
	// close releases the handles of the value.
	close()
}

// transmitter is the state of a transfer by the TransmitFile method.
type transmitter struct {
	call       transmission
	conn       syscall.RawConn
	stall      *time.Timer // runs until the next look at acked, or for Options.Timeout
	closeCheck *time.Ticker
	ackedKnown bool  // the system can report acked
	acked      int64 // bytes that the peer had acknowledged, as of the last updateAcked
}

// wantsTransmit reports whether the caller forces TransmitFile, or Auto should
// choose it. Auto needs a server edition of Windows, which does not queue
// transmissions of all processes, and a timeout, because a transmission ignores
// deadlines that the caller has set.
func (t *transfer) wantsTransmit() bool {
	if t.sys.transmit == nil {
		return false
	}
	return t.opt.Method == TransmitFile || t.opt.Method == Auto && t.opt.Timeout > 0 && t.sys.isServer()
}

// prepareTransmit makes the transmitter, and reports whether that worked.
func (t *transfer) prepareTransmit() bool {
	conn := t.last.ofConn(t.conn)
	if conn == nil || t.fileRaw == nil {
		return false
	}
	call, err := t.sys.transmit()
	if err != nil {
		return false // out of handles: copying costs little more
	}
	x := &transmitter{call: call, conn: conn}
	x.stall, x.closeCheck = time.NewTimer(time.Hour), time.NewTicker(closeCheckInterval)
	x.stopTimers()
	t.transmitter = x
	if t.opt.Timeout > 0 {
		_ = conn.Control(t.callbacks.updateAcked)
	}
	return true
}

func (x *transmitter) stopTimers() {
	x.stall.Stop()
	x.closeCheck.Stop()
}

func (x *transmitter) close() {
	x.stopTimers()
	x.call.close()
}

// transmitFile is the move function of the TransmitFile method.
func (t *transfer) transmitFile(n int) (int, error) {
	if t.ctx.Err() != nil {
		return 0, t.fail(Caller, context.Cause(t.ctx))
	}
	// The size is read each time because no documentation says what a call past
	// the end of the file does. Under wine it sends less, without an error.
	if err := t.stat(); err != nil {
		return 0, err
	}
	if t.size <= t.off {
		return t.copyInstead(n)
	}
	x := t.transmitter
	t.want = int(min(int64(n), t.size-t.off))
	if t.opt.Timeout > 0 && !x.ackedKnown {
		t.want = min(t.want, maxUnobserved)
	}
	// The socket stays open until Control returns: Close waits for it.
	if err := x.conn.Control(t.callbacks.transmitTo); err != nil {
		t.moved, t.err = 0, err
	}
	t.res.ZeroCopied += int64(t.moved)
	switch {
	case t.err == nil:
		return t.moved, nil // 0: the file has shrunk below off
	case t.moved == 0 && isUnsupported(t.err):
		return t.copyInstead(t.want)
	}
	return t.moved, t.fail(sideOfBoth(t.err), os.NewSyscallError("transmitfile", t.err))
}

// transmitTo makes one transmission to socket, waits for its end, and sets moved
// and err.
func (t *transfer) transmitTo(socket uintptr) {
	t.connFD = socket
	if err := t.withFile(t.callbacks.startTransmission); err != nil {
		t.err = err
	}
	if t.moved = 0; t.err != nil {
		return
	}
	cut := t.awaitTransmission()
	t.moved, t.err = t.transmitter.call.result(socket)
	if cut != nil && t.err != nil { // without t.err, the call completed before the cancellation
		t.err = cut
	}
}

func (t *transfer) startTransmission(file uintptr) {
	t.err = t.transmitter.call.start(t.connFD, file, t.off, t.want)
}

// updateAcked reads how many bytes the peer has acknowledged, if the system knows.
func (t *transfer) updateAcked(socket uintptr) {
	var err error
	t.transmitter.acked, err = t.sys.acked(socket)
	t.transmitter.ackedKnown = err == nil
}

// progressed reports whether the peer has acknowledged enough since the count was
// last updated to count as moving, and then updates the count.
func (t *transfer) progressed() bool {
	before := t.transmitter.acked
	t.updateAcked(t.connFD)
	if t.transmitter.ackedKnown && t.transmitter.acked > before+minProgress {
		return true
	}
	t.transmitter.acked = before // a few bytes at each look add up
	return false
}

// untilTransmitCheck returns how long to wait for a peer that has last taken something
// at tookAt, until the next look at how much it has acknowledged if the system knows.
func (t *transfer) untilTransmitCheck(tookAt time.Time) time.Duration {
	left := max(t.opt.Timeout-time.Since(tookAt), 0)
	if t.transmitter.ackedKnown {
		return min(left, t.untilCheck())
	}
	return left
}

// awaitTransmission waits until the call is done. It returns an error if it had
// to cancel the call, because of a stall, the context, or a closed connection.
// The transfer cannot continue then: how much a socket has sent of a cancelled
// call is uncertain.
func (t *transfer) awaitTransmission() (cut error) {
	x := t.transmitter
	select {
	case <-x.call.done():
		return nil
	default:
	}
	tookAt := time.Now() // when the peer has last taken something, as far as was seen
	if t.opt.Timeout > 0 {
		if x.ackedKnown {
			t.updateAcked(t.connFD)
		}
		x.stall.Reset(t.untilTransmitCheck(tookAt))
	}
	x.closeCheck.Reset(closeCheckInterval)
	defer x.stopTimers()
	for cut == nil {
		select {
		case <-x.call.done():
			return nil
		case <-x.stall.C:
			if x.ackedKnown && t.progressed() {
				tookAt = time.Now()
			}
			if time.Since(tookAt) >= t.opt.Timeout {
				cut = os.ErrDeadlineExceeded
			} else {
				x.stall.Reset(t.untilTransmitCheck(tookAt))
			}
		case <-t.ctx.Done():
			cut = context.Cause(t.ctx)
		case <-x.closeCheck.C:
			// Control fails as soon as Close was called; Close waits for transmitTo.
			cut = x.conn.Control(func(uintptr) {})
		}
	}
	for {
		x.call.cancel(t.connFD)
		select {
		case <-x.call.done():
			return cut
		case <-x.closeCheck.C: // try again: wine 8 may miss a cancel while the call makes progress
		}
	}
}

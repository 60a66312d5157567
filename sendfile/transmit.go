package sendfile

import (
	"context"
	"os"
	"syscall"
	"time"
)

// closeProbe is how often a waiting transmission looks whether the connection
// was closed, and so the longest that its Close has to wait.
const closeProbe = 50 * time.Millisecond

// leastProgress is what a peer must have taken to be seen to move. The single
// bytes by which the system asks whether a full peer has room again may be
// counted as taken.
const leastProgress = 64

// transmission is a system call that sends from a file to a socket on its own
// and says when it is done: TransmitFile with an OVERLAPPED. One value makes
// one call after the other.
//
// After a start that returned nil nothing but cancel may be called until done
// has delivered, because until then the kernel writes into it.
type transmission interface {
	// start sends n bytes from off on; n is not 0, which would mean all of
	// the file. The error is that of a call that did nothing.
	start(socket, file uintptr, off int64, n int) error
	// done delivers once for each start that returned nil.
	done() <-chan struct{}
	// cancel makes done deliver soon, if it has not yet.
	cancel(socket uintptr)
	// result tells what the call did: bytes sent, beside an error too. Fewer
	// than asked without an error means that the file ended.
	result(socket uintptr) (int, error)
	// close frees what the value holds.
	close()
}

// transmitter is what a transfer needs on the TransmitFile method.
type transmitter struct {
	call  transmission
	conn  syscall.RawConn
	stall *time.Timer // Options.Timeout
	probe *time.Ticker
	tells bool  // how much the peer has taken can be asked
	taken int64 // by the peer when it was last asked
}

// wantsTransmit reports whether the method is asked for, or good without being
// asked for. That takes an edition of Windows that does not make a
// transmission wait for those of others, and a timeout: a transmission cannot
// see the deadlines that the caller has set, which hold when there is none.
func (t *transfer) wantsTransmit() bool {
	if t.sys.transmit == nil {
		return false
	}
	return t.opt.Method == TransmitFile || t.opt.Method == Auto && t.opt.Timeout > 0 && t.sys.isServer()
}

// prepareTransmit reports whether the method is open.
func (t *transfer) prepareTransmit() bool {
	conn := t.last.ofConn(t.conn)
	if conn == nil || t.fileRaw == nil {
		return false
	}
	call, err := t.sys.transmit()
	if err != nil {
		return false // out of handles: a buffer does nearly as well
	}
	x := &transmitter{call: call, conn: conn}
	x.stall, x.probe = time.NewTimer(time.Hour), time.NewTicker(closeProbe)
	x.rest()
	t.transmitter = x
	if t.opt.Timeout > 0 {
		_ = conn.Control(t.callbacks.askTaken)
	}
	return true
}

func (x *transmitter) rest() {
	x.stall.Stop()
	x.probe.Stop()
}

func (x *transmitter) close() {
	x.rest()
	x.call.close()
}

// transmitFile is the move of the TransmitFile method.
func (t *transfer) transmitFile(n int) (int, error) {
	if t.ctx.Err() != nil {
		return 0, t.fail(Caller, context.Cause(t.ctx))
	}
	// Asked each time: what becomes of a call that passes the end of the file
	// is documented nowhere. Under wine it ends short, without an error.
	if err := t.stat(); err != nil {
		return 0, err
	}
	if t.size <= t.off {
		return t.copyInstead(n)
	}
	x := t.transmitter
	t.ask = int(min(int64(n), t.size-t.off))
	if t.opt.Timeout > 0 && !x.tells {
		t.ask = min(t.ask, opaqueWrite) // as with a Write that tells nothing before it is done
	}
	// For as long as this lasts the socket is the one it was: Close waits.
	if err := x.conn.Control(t.callbacks.transmit); err != nil {
		t.got, t.err = 0, err
	}
	t.res.ZeroCopied += int64(t.got)
	switch {
	case t.err == nil:
		return t.got, nil // 0: the file has shrunk below off
	case t.got == 0 && notHere(t.err):
		return t.copyInstead(t.ask)
	}
	return t.got, t.fail(sideOfBoth(t.err), os.NewSyscallError("transmitfile", t.err))
}

// transmitTo makes one call and waits for its end.
func (t *transfer) transmitTo(socket uintptr) {
	t.connFD = socket
	if err := t.withFile(t.callbacks.startFrom); err != nil {
		t.err = err
	}
	if t.got = 0; t.err != nil {
		return
	}
	cut := t.awaitTransmission()
	t.got, t.err = t.transmitter.call.result(socket)
	if cut != nil && t.err != nil { // else it was done before it could be cut
		t.err = cut
	}
}

func (t *transfer) startFrom(file uintptr) {
	t.err = t.transmitter.call.start(t.connFD, file, t.off, t.ask)
}

// askTaken notes how much the peer has taken, if somebody knows.
func (t *transfer) askTaken(socket uintptr) {
	var err error
	t.transmitter.taken, err = t.sys.taken(socket)
	t.transmitter.tells = err == nil
}

// progressed reports whether the peer has taken anything since it was last
// asked for.
func (t *transfer) progressed() bool {
	before := t.transmitter.taken
	t.askTaken(t.connFD)
	return t.transmitter.tells && t.transmitter.taken > before+leastProgress
}

// awaitTransmission returns when the call is done, and why it had to be cut
// short, if it had to. After a cut the transfer is over even if the peer took
// a part: what a socket did with a send that was cancelled is not certain
// enough to go on from there.
func (t *transfer) awaitTransmission() (cut error) {
	x := t.transmitter
	select {
	case <-x.call.done():
		return nil
	default:
	}
	if t.opt.Timeout > 0 {
		if x.tells {
			t.askTaken(t.connFD)
		}
		x.stall.Reset(t.opt.Timeout)
	}
	x.probe.Reset(closeProbe)
	defer x.rest()
	for cut == nil {
		select {
		case <-x.call.done():
			return nil
		case <-x.stall.C:
			if x.tells && t.progressed() {
				x.stall.Reset(t.opt.Timeout)
				continue
			}
			cut = os.ErrDeadlineExceeded
		case <-t.ctx.Done():
			cut = context.Cause(t.ctx)
		case <-x.probe.C:
			// Refused as soon as Close is called, which now waits for us.
			cut = x.conn.Control(func(uintptr) {})
		}
	}
	for {
		x.call.cancel(t.connFD)
		select {
		case <-x.call.done():
			return cut
		case <-x.probe.C: // wine 8 misses a cancel that comes while the call moves on
		}
	}
}

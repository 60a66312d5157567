package ftpd

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"time"

	"sluice/internal/upload"
	"sluice/metrics"
	"sluice/sendfile"
)

// The rule of publishing. RFC 959 ends a file by closing the data connection, and a
// client that is killed closes all its connections: the kernel's end of a half file
// looks like that of a whole one. What tells them apart is the control connection.
//
//   - After ABOR the file is not published.
//   - If QUIT was heard, or exactly as much has come as ALLO has announced, it is, even
//     if the control connection has ended meanwhile.
//   - If the control connection has ended, or was reset, without that, it is kept to be
//     resumed. Other commands that the client has sent ahead prove nothing.
//   - If it is open and silent, the file is published after a grace, which runs while
//     the file is synced: the end of the control connection may be on its way.
//
// A client that closes both connections without QUIT looks like one that was killed.

// How long the grace is: as long as two round trips on the control connection take,
// within these bounds. The lower one costs an upload of 1 KiB 5 ms, timers included.
//
// It is also as long as the upload has taken, up to longGrace: a program that closes its
// connections itself after Ctrl-C, as Python does, closes the control connection some
// milliseconds later, and tens of them on a busy machine. The longer an upload takes, the
// likelier it is ended so, and the less it matters to wait. Where packets of the data were
// lost, the end of the control connection may be lost too, and come again only after its
// retransmission timeout, which is 200 ms and a round trip: then longGrace is maxGrace.
const (
	minGrace  = 4 * time.Millisecond
	longGrace = 50 * time.Millisecond
	maxGrace  = 250 * time.Millisecond
)

// graceFor returns how long to wait, from the end of the data on, for that of the
// control connection: a round trip on it takes trip, and the upload has taken took.
func graceFor(trip, took time.Duration, lossy bool) time.Duration {
	long := longGrace
	if lossy {
		long = maxGrace
	}
	return min(max(2*trip, minGrace, min(took, long)), maxGrace)
}

// roundTrip returns how long a round trip takes on the control connection; 0: nobody
// knows.
func (c *controlConn) roundTrip() time.Duration {
	switch tcp := sample(c.tcp); {
	case tcp.Have.Has(metrics.TCPMinRTT):
		return tcp.MinRTT // the smoothed one is that of delayed acknowledgements here: 40 ms on loopback
	case tcp.Have.Has(metrics.TCPRTT):
		return tcp.RTT
	}
	return 0
}

// isLossy reports whether packets that conn was sent are known to have been lost: those
// behind them came first.
func isLossy(conn net.Conn) bool { return sample(conn).RecvReordered > 0 }

// sample returns what the kernel tells of conn, as far as it does.
func sample(conn net.Conn) (tcp metrics.TCP) {
	if conn, ok := conn.(syscall.Conn); ok {
		if socket, err := metrics.NewSocket(conn); err == nil {
			_ = socket.Sample(&tcp)
		}
	}
	return tcp
}

// publish makes the upload of size bytes visible if err is nil and the rule lets it,
// and else keeps what there is of it. It returns why the upload is not visible.
func (op *operation) publish(t *transfer, f *upload.Upload, size int64, err error) error {
	return t.finish(f, size, err, op.verdict(time.Now(), size-t.record.Offset))
}

// verdict returns what is asked right before the upload becomes visible, of which sent
// bytes have come, the last of them at end: it blocks until the grace is over, and
// returns why the upload must not be published.
func (op *operation) verdict(end time.Time, sent int64) func() error {
	over := end.Add(graceFor(op.session.control.roundTrip(), end.Sub(op.begun), op.lossy))
	return func() error {
		if !op.isWhole(sent) {
			pause(op.ctx, time.Until(over))
		}
		// On a busy machine what has come may wait to be read, or its reader to be run.
		for last := time.Now().Add(maxGrace); ; {
			switch left := op.session.control.unread(); {
			case op.isWhole(sent):
				return nil
			case op.isGone() != nil:
				return op.isGone()
			case left == nothing:
				return nil
			case time.Now().After(last) && left == theEnd:
				return errLeft
			case time.Now().After(last): // too many commands wait already
				return nil
			}
			pause(op.ctx, time.Millisecond)
		}
	}
}

// unread is what nobody has read of a connection.
type unread int

const (
	nothing   unread = iota // it is open and silent, as far as anybody can tell
	something               // bytes
	theEnd                  // in order or by a reset
)

// unread looks at the control connection without waiting.
func (c *controlConn) unread() (left unread) {
	if raw, err := rawConn(c.tcp); err == nil {
		_ = raw.Control(func(fd uintptr) { left = peek(fd) })
	}
	return left
}

// rawConn returns the socket of conn.
func rawConn(conn net.Conn) (syscall.RawConn, error) {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return nil, errNotTCP
	}
	return sc.SyscallConn()
}

// isWhole reports whether the client has said that it has sent all: by QUIT, or
// before by ALLO. ABOR takes that back.
func (op *operation) isWhole(sent int64) bool {
	s := op.session
	s.mu.Lock()
	defer s.mu.Unlock()
	return context.Cause(op.ctx) != errAborted && (s.quitting || s.allocated == sent)
}

// isGone returns why the operation has lost its client, or was aborted; nil: it has
// not.
func (op *operation) isGone() error {
	if op.ctx.Err() != nil {
		return context.Cause(op.ctx)
	}
	op.session.mu.Lock()
	defer op.session.mu.Unlock()
	if op.session.gone != nil {
		return errLeft
	}
	return nil
}

// finish makes the upload of size bytes visible if err is nil, and else keeps what there
// is of it. check, right before, is the last that can be against it. It returns why the
// upload is not visible.
func (t *transfer) finish(f *upload.Upload, size int64, err error, check func() error) error {
	if err != nil {
		return t.abort(f, size, err)
	}
	var refused error
	kept, err := f.Commit(size, func() error {
		refused = check()
		return refused
	})
	t.record.Kept = kept
	if err != nil && refused == nil { // all has come: it is the file's fault
		err = t.fileFailed(size, err)
	}
	return err
}

// abort ends the upload, of which size bytes have come, because of err, and returns why
// it is not visible.
func (t *transfer) abort(f *upload.Upload, size int64, err error) error {
	t.record.Kept = f.Abort(size, err)
	if doubt := f.Uncertain(); doubt != nil {
		err = fmt.Errorf("%w: %w", err, doubt)
	}
	return err
}

// fileFailed returns the error of a file that has failed when all had come.
func (t *transfer) fileFailed(offset int64, err error) error {
	return &sendfile.Error{Op: "receive", Side: sendfile.File, Method: t.record.Method, Offset: offset, Err: err}
}

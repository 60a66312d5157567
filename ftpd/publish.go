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

// The rule for publishing an upload, that is, for making it visible under its name.
//
// RFC 959 ends a file by closing the data connection. But the kernel closes all
// connections of a killed client in the same way, so the end of half a file looks like
// the end of a whole one. The control connection decides:
//
//   - After ABOR the upload is not published.
//   - After QUIT, or if exactly as many bytes have come as ALLO has announced, it is
//     published, even if the control connection has ended meanwhile.
//   - If the control connection has ended without that, in order or by a reset, the
//     upload is not published, and its part is kept to be resumed. Other commands that
//     the client has sent ahead prove nothing.
//   - If the control connection is open and silent, the upload is published after a
//     grace period, because the end of that connection may be on its way. The file is
//     synced meanwhile.
//
// A client that closes both connections without QUIT looks like one that was killed.

// The grace period is two round trips of the control connection, within minGrace and
// maxGrace. minGrace costs an upload of 1 KiB 5 ms, timers included.
//
// It is also at least as long as the upload has taken, up to longGrace: a program that
// closes its connections itself after Ctrl-C, as Python does, closes the control
// connection some milliseconds later, or tens of milliseconds on a busy machine. The
// longer an upload takes, the likelier it is ended like that, and the less the wait
// matters. If packets of the data were lost, the end of the control connection may be
// lost too, and come again only after its retransmission timeout, which is 200 ms and a
// round trip: then maxGrace replaces longGrace.
const (
	minGrace  = 4 * time.Millisecond
	longGrace = 50 * time.Millisecond
	maxGrace  = 250 * time.Millisecond
)

// graceFor returns the grace period, which begins at the end of the data. trip is a
// round trip on the control connection, took the duration of the upload, and lossy says
// whether its packets were lost.
func graceFor(trip, took time.Duration, lossy bool) time.Duration {
	long := longGrace
	if lossy {
		long = maxGrace
	}
	return min(max(2*trip, minGrace, min(took, long)), maxGrace)
}

// roundTrip returns the round trip time of the control connection; 0: not known.
func (c *controlConn) roundTrip() time.Duration {
	switch tcp := sample(c.tcp); {
	case tcp.Have.Has(metrics.TCPMinRTT):
		return tcp.MinRTT // the smoothed one includes delayed acknowledgements: 40 ms on loopback
	case tcp.Have.Has(metrics.TCPRTT):
		return tcp.RTT
	}
	return 0
}

// isLossy reports whether packets to this host on conn were probably lost: later ones
// have arrived first.
func isLossy(conn net.Conn) bool { return sample(conn).RecvReordered > 0 }

// sample returns what the kernel knows of conn; fields that it does not report are unset.
func sample(conn net.Conn) (tcp metrics.TCP) {
	if conn, ok := conn.(syscall.Conn); ok {
		if socket, err := metrics.NewSocket(conn); err == nil {
			_ = socket.Sample(&tcp)
		}
	}
	return tcp
}

// publish makes the upload of size bytes visible, if err is nil and the rule above
// allows it. Otherwise it keeps the part that has come. It returns why the upload is not
// visible; nil: it is.
func (op *operation) publish(t *transfer, f *upload.Upload, size int64, err error) error {
	return t.commit(f, size, err, op.publishCheck(time.Now(), size-t.record.Offset))
}

// publishCheck returns the check to be made right before the upload becomes visible.
// sent bytes have come, the last of them at end. The check blocks until the grace period
// is over, and returns why the upload must not be published; nil: it may.
func (op *operation) publishCheck(end time.Time, sent int64) func() error {
	graceEnd := end.Add(graceFor(op.session.control.roundTrip(), end.Sub(op.begun), op.lossy))
	return func() error {
		if !op.isDeclaredWhole(sent) {
			pause(op.ctx, time.Until(graceEnd))
		}
		// On a busy machine, bytes that have come may not have been read yet.
		for giveUp := time.Now().Add(maxGrace); ; {
			switch left := op.session.control.unread(); {
			case op.isDeclaredWhole(sent):
				return nil
			case op.goneErr() != nil:
				return op.goneErr()
			case left == unreadNothing:
				return nil
			case time.Now().After(giveUp) && left == unreadEnd:
				return errClientGone
			case time.Now().After(giveUp): // unread commands, because too many are pending already
				return nil
			}
			pause(op.ctx, time.Millisecond)
		}
	}
}

// unread is what has come over a connection and was not read yet.
type unread int

const (
	unreadNothing unread = iota // the connection is open and silent, as far as the system shows
	unreadBytes
	unreadEnd // of the connection, in order or by a reset
)

// unread looks at the control connection without waiting or reading.
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

// isDeclaredWhole reports whether the client has declared the upload complete: by QUIT,
// or by an ALLO of just as many bytes. ABOR revokes that.
func (op *operation) isDeclaredWhole(sent int64) bool {
	s := op.session
	s.mu.Lock()
	defer s.mu.Unlock()
	return context.Cause(op.ctx) != errAborted && (s.quitting || s.allocated == sent)
}

// goneErr returns an error if the operation was cancelled or the control connection has
// ended.
func (op *operation) goneErr() error {
	if op.ctx.Err() != nil {
		return context.Cause(op.ctx)
	}
	op.session.mu.Lock()
	defer op.session.mu.Unlock()
	if op.session.readErr != nil {
		return errClientGone
	}
	return nil
}

// commit makes the upload of size bytes visible, if err is nil and check, called right
// before, returns nil. Otherwise it keeps the part that has come. It returns why the
// upload is not visible; nil: it is.
func (t *transfer) commit(f *upload.Upload, size int64, err error, check func() error) error {
	if err != nil {
		return t.abort(f, size, err)
	}
	var refused error
	kept, err := f.Commit(size, func() error {
		refused = check()
		return refused
	})
	t.record.Kept = kept
	if err == nil {
		t.record.Path = f.Name() // another one in a drop box, if that was taken
	}
	if err != nil && refused == nil { // all bytes have come, so the file has failed
		err = t.fileFailed(size, err)
	}
	return err
}

// abort ends the upload, of which size bytes have come, because of err. It returns err,
// with a note if the upload may be visible all the same.
func (t *transfer) abort(f *upload.Upload, size int64, err error) error {
	t.record.Kept = f.Abort(size, err)
	if doubt := f.Uncertain(); doubt != nil {
		err = fmt.Errorf("%w: %w", err, doubt)
	}
	return err
}

// fileFailed returns the error of a file that has failed after all bytes had come.
func (t *transfer) fileFailed(offset int64, err error) error {
	return &sendfile.Error{Op: "receive", Side: sendfile.File, Method: t.record.Method, Offset: offset, Err: err}
}

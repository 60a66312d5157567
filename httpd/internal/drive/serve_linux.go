package drive

import (
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"sluice/httpd/internal/h1conn"
	"sluice/httpd/internal/netconn"
	"sluice/sendfile"
)

// outcome says what follows when a connection was served as far as possible.
type outcome uint8

const (
	awaitsBytes outcome = iota
	awaitsRoom          // in the socket
	hasMore             // to do: it has used up its turn
	needsWorker         // the next action may wait
	handsOver           // to net/http
	ends
)

const (
	chunkSize  = 256 << 10 // of a file, in one turn
	turnLength = 64        // actions in one turn
)

var noBytes sendfile.Result

// serve carries out what the Machine of a connection says, as far as that does not wait.
// It uses nothing of the loop: another thread may have taken that over when it returns.
func (t *thread) serve(c *conn) (next outcome) {
	defer func() {
		if r := recover(); r != nil {
			next = t.loop.recovered(c, r)
		}
	}()
	if c.m == nil {
		if t.machine == nil {
			t.machine = h1conn.NewMachine(nil, nil)
		}
		c.m, t.machine = t.machine, nil
		c.m.NoWait = true
	}
	c.m.Attach(&t.server, &c.net)
	next = t.carryOut(c)
	if next == awaitsBytes && c.m.IsIdle() {
		if t.machine == nil {
			t.machine = c.m
		} else {
			c.m.Release()
		}
		c.m = nil
	}
	return next
}

func (t *thread) carryOut(c *conn) outcome {
	if c.blockedAt != 0 {
		c.net.Waited(t.now - c.blockedAt)
		c.blockedAt = 0
	}
	m := c.m
	for range turnLength {
		a := m.Next()
		switch a.Do {
		case h1conn.Read:
			if !c.isReadable {
				return awaitsBytes
			}
			buffer := m.Buffer()
			n, err := rawRead(int(c.sock.fd), buffer)
			switch {
			case err == unix.EAGAIN:
				c.isReadable = false
				return awaitsBytes
			case err == unix.EINTR:
				continue
			case err != 0 || n == 0:
				return ends
			}
			m.Received(n, t.clock)
			// Less than fits was all there is; an event reports more.
			c.isReadable = n == len(buffer) || c.isEnding
		case h1conn.Send:
			n, err := rawSend(int(c.sock.fd), a.Data, a.More)
			switch {
			case err == unix.EAGAIN:
				return awaitsRoom
			case err == unix.EINTR:
				continue
			case err != 0:
				m.Sent(noBytes, sendError(c, os.NewSyscallError("write", err)))
				continue
			}
			c.net.AddSent(int64(n))
			c.net.Took(int64(n))
			m.Sent(sendfile.Result{Sent: int64(n)}, nil)
		case h1conn.SendFile:
			f, ok := a.File.(*os.File)
			if !ok || !t.maySend(m, f, a) {
				return needsWorker
			}
			n, err := sendFile(int(c.sock.fd), f, a.Off, min(a.N, chunkSize))
			switch {
			case err == unix.EAGAIN:
				return awaitsRoom
			case err == unix.EINTR:
				continue
			case err != nil:
				return needsWorker // it finds out what is wrong, or copies
			case n == 0:
				m.Sent(noBytes, &sendfile.Error{
					Op: "send", Side: sendfile.File, Method: sendfile.Sendfile, Offset: a.Off, Err: io.ErrUnexpectedEOF,
				})
				continue
			}
			left := a.N - int64(n)
			t.done += n >> 16
			res := sendfile.Result{Sent: int64(n), ZeroCopied: int64(n), Method: sendfile.Sendfile}
			c.net.AddSent(res.Sent)
			c.net.Took(res.Sent)
			m.Transfer().Add(res)
			m.Sent(res, nil)
			// After less than was asked for the socket need not be full: a signal of Go's
			// runtime ends the call too. Only EAGAIN makes an event come.
			if left > 0 {
				return hasMore
			}
		case h1conn.Work:
			return needsWorker
		case h1conn.HandOver:
			return handsOver
		case h1conn.Close:
			return ends
		}
	}
	return hasMore
}

// maySend reports whether a part of a file can be sent without waiting for a disk or a
// limit.
func (t *thread) maySend(m *h1conn.Machine, f *os.File, a *h1conn.Action) bool {
	if m.Limits() != nil || m.Method() != sendfile.Auto && m.Method() != sendfile.Sendfile {
		return false
	}
	return a.Where.IsWarm(f, a.Off, min(a.N, chunkSize))
}

// recovered ends a connection whose hook or Limiter has panicked.
func (l *loop) recovered(c *conn, value any) outcome {
	c.m.RecordPanic()
	l.set.config.Panicked(&c.net, value)
	return ends
}

// sendFile may sleep, if a part of the file in the middle is not in memory, so the
// scheduler must know of it.
func sendFile(socket int, f *os.File, off, n int64) (int, error) {
	return syscall.Sendfile(socket, int(f.Fd()), &off, int(n))
}

// sendError returns the error of a socket that cannot be written to.
func sendError(c *conn, err error) error {
	e := &sendfile.Error{Op: "send", Side: sendfile.Peer, Method: sendfile.Copy, Err: err}
	if c.sock.wasCut() {
		e.Side, e.Err = sendfile.Caller, net.ErrClosed
	}
	return e
}

// stallError returns the error of a client that takes nothing, or too little.
func stallError(c *conn, tooSlow bool) error {
	if tooSlow {
		return &sendfile.Error{Op: "send", Side: sendfile.Caller, Method: sendfile.Copy, Err: netconn.ErrTooSlow}
	}
	return sendError(c, os.ErrDeadlineExceeded)
}

package sendfile

import (
	"context"
	"errors"
	"math"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// stallChecks is how often within Options.Timeout the transfer looks whether a peer
// that makes no room has taken anything. A stall ends late by the time between two
// looks at most.
const stallChecks = 16

// untilCheck returns how long a wait lasts until the next look.
func (t *transfer) untilCheck() time.Duration {
	return max(t.opt.Timeout/stallChecks, min(t.opt.Timeout, time.Millisecond))
}

// taken is how much of what was written to a socket its peer has taken.
type taken struct {
	acked int64         // bytes that the peer has acknowledged, counted from anywhere
	edge  int64         // bytes that it has acknowledged or has announced room for, or unknownEdge
	quiet time.Duration // since its last acknowledgement, or less
}

// unknownEdge is a taken.edge that the system does not show.
const unknownEdge = math.MaxInt64

// isAfter reports whether the peer has taken something since before. Into the last room
// that it has announced the system sends a part of a packet by itself, some 200 ms later;
// then the peer has acknowledged more, but made no room.
func (a taken) isAfter(before taken) bool {
	return a.edge > before.edge || a.acked > before.acked && a.edge > a.acked
}

// progress watches a peer that makes no room. The zero value has seen nothing.
type progress struct {
	at   time.Time // when the peer has last taken something, as far as was seen
	last taken
}

// begin begins a wait at now. It goes on with an earlier one if the peer has taken nothing
// since: the system may have accepted more nevertheless, because it has enlarged the send
// buffer.
func (p *progress) begin(now time.Time, seen taken) {
	if p.at.IsZero() || seen.edge == unknownEdge || seen.isAfter(p.last) {
		p.at = now
	}
	p.last = seen
}

// update adds what is seen at now, and reports whether the peer has taken something since
// the last update.
func (p *progress) update(now time.Time, seen taken) bool {
	has := seen.isAfter(p.last)
	if at := now.Add(-seen.quiet); has && at.After(p.at) {
		p.at = at
	}
	p.last = seen
	return has
}

// awaitWrite calls try, which makes one system call and returns false to be
// called again when the socket is writable. awaitWrite returns the moved and err
// of the last call.
//
// Most calls need not wait, so there is no deadline at first: mustWaitToWrite
// sets it. A deadline of the caller that has passed already ends the call before
// that; then it is set here.
func (t *transfer) awaitWrite(try func(fd uintptr) bool) (int, error) {
	if t.ctx.Err() != nil {
		return 0, context.Cause(t.ctx)
	}
	t.isWaiting = false
	for {
		err := t.connRaw.Write(try)
		if err == nil {
			return t.moved, t.err
		}
		if t.opt.Timeout == 0 || t.ctx.Err() != nil || !errors.Is(err, os.ErrDeadlineExceeded) || t.hasStalled() {
			return 0, err
		}
		if err := t.prepareWaitUntil(t.nextLook()); err != nil {
			return 0, err
		}
	}
}

// mustWaitToWrite reports whether the last call found the send buffer full and
// the transfer may wait for the peer. The first time it notes how much the
// peer has taken and sets the deadline.
func (t *transfer) mustWaitToWrite(fd uintptr) bool {
	if t.err != syscall.EAGAIN {
		return false
	}
	if t.opt.Timeout == 0 || t.isWaiting { // awaitWrite has set the deadline
		t.err = nil
		return true
	}
	t.isWaiting = true
	seen := taken{edge: unknownEdge}
	if t.sys.taken != nil {
		seen, _ = t.sys.taken(fd)
	}
	t.full.begin(time.Now(), seen)
	t.err = t.prepareWaitUntil(t.nextLook())
	return t.err == nil
}

// nextLook returns when the present wait must end at the latest, to look at how much the
// peer has taken if the system shows that.
func (t *transfer) nextLook() time.Time {
	switch stall := t.full.at.Add(t.opt.Timeout); {
	case !t.isWaiting:
		return time.Now().Add(t.opt.Timeout)
	case t.sys.taken == nil:
		return stall
	default:
		if look := time.Now().Add(t.untilCheck()); look.Before(stall) {
			return look
		}
		return stall
	}
}

// hasStalled reports whether the peer has taken nothing for Options.Timeout. A socket
// with a send buffer of megabytes becomes writable only when about a third of it is
// free, which takes a slow peer minutes without ever stalling; meanwhile it acknowledges.
func (t *transfer) hasStalled() bool {
	if !t.isWaiting {
		return false // the deadline was one of the caller, or of an earlier wait
	}
	if t.sys.taken != nil && t.connRaw.Control(t.callbacks.updateProgress) != nil {
		return false // closed, as the next wait is going to say
	}
	return time.Since(t.full.at) >= t.opt.Timeout
}

// updateProgress updates full.
func (t *transfer) updateProgress(fd uintptr) {
	if seen, err := t.sys.taken(fd); err == nil {
		t.full.update(time.Now(), seen)
	}
}

// writeWatcher looks at the socket below a connection, such as a *tls.Conn, while a
// Write of that blocks: it moves the deadline when the peer has taken something. Such a
// Write cannot simply be interrupted and continued, because a *tls.Conn fails for good
// after a deadline.
type writeWatcher struct {
	ctx     context.Context
	conn    net.Conn
	raw     syscall.RawConn // of the socket below conn
	sys     *kernel
	timeout time.Duration
	period  time.Duration

	mu        sync.Mutex // guards the fields below
	timer     *time.Timer
	isWriting bool
	progress  progress
	moved     bool // the last result of progress.update
	closed    bool
}

// watchWrites makes a writeWatcher, if the system shows how much the peer of the socket
// below the connection has taken, and reports whether it does.
func (t *transfer) watchWrites() bool {
	if t.watch != nil || t.opt.Timeout == 0 || t.sys.taken == nil {
		return t.watch != nil
	}
	raw := socketBelow(t.conn)
	if raw == nil {
		return false
	}
	var err error
	if raw.Control(func(fd uintptr) { _, err = t.sys.taken(fd) }) != nil || err != nil {
		return false
	}
	t.watch = &writeWatcher{ctx: t.ctx, conn: t.conn, raw: raw, sys: t.sys, timeout: t.opt.Timeout, period: t.untilCheck()}
	return true
}

// socketBelow returns the descriptor of the socket that conn writes to, as far as the
// types on the way have a method NetConn; nil: it is not known.
func socketBelow(conn net.Conn) syscall.RawConn {
	const most = 8 // a NetConn may return its own connection
	for range most {
		if c, ok := conn.(syscall.Conn); ok {
			raw, err := c.SyscallConn()
			if err != nil {
				return nil
			}
			return raw
		}
		above, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		conn = above.NetConn()
	}
	return nil
}

// begin is called before a Write, when the deadline was set, and end after it.
func (w *writeWatcher) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isWriting, w.progress = true, progress{at: time.Now()}
	if w.timer == nil {
		w.timer = time.AfterFunc(w.period, w.look)
	}
}

func (w *writeWatcher) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isWriting = false
}

// close ends the watcher. It does nothing to the connection afterwards.
func (w *writeWatcher) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed, w.isWriting = true, false
	if w.timer != nil {
		w.timer.Stop()
	}
}

// look moves the deadline if the peer has taken something since the last look, or if this
// is the first one.
func (w *writeWatcher) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.timer.Reset(w.period)
	if !w.isWriting || w.raw.Control(w.update) != nil || !w.moved {
		return
	}
	_ = w.conn.SetWriteDeadline(w.progress.at.Add(w.timeout)) // if that fails, the Write does too
	if w.ctx.Err() != nil {
		_ = w.conn.SetWriteDeadline(time.Unix(1, 0)) // as when the context ended
	}
}

func (w *writeWatcher) update(fd uintptr) {
	seen, err := w.sys.taken(fd)
	w.moved = err == nil && w.progress.update(time.Now(), seen)
}

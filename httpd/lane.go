package httpd

import (
	"bytes"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"sluice/internal/h1"
	"sluice/internal/live"
)

// lane is a connection in the fast lane: it reads plain requests and answers
// them with as few system calls as can be, and hands itself over to net/http
// when it meets one that is not plain.
//
// A lane that waits for a request has nothing but itself and a goroutine. What
// it takes to answer is on a desk, which it borrows when there is something to
// read.
type lane struct {
	server *Server
	wire   *wire
	secure bool // TLS is spoken, and so by net/http
	state  atomic.Int32

	desk     *desk     // nil: nothing of a request has come
	now      time.Time // when the last bytes came
	deadline time.Time // that is set for reading
	heading  bool      // it is that of a head of which a part has come

	came       int                   // bytes, by the last read
	onReadable func(fd uintptr) bool // a method, bound once; nil where reads block

	files *Handler // that answers the request under way
	told  told     // by the response that is under way
}

// The states of a lane. It may be ended by another goroutine only when it is
// idle, so that nothing that came in time is lost.
const (
	laneBusy  int32 = iota // has something of a request, or has yet to look
	laneIdle               // waits for one to begin
	laneEnded              // is closed by a Shutdown
)

// desk is what answering takes.
type desk struct {
	in     [h1.MaxSize]byte
	from   int // in[from:to] has come and is not answered
	to     int
	parsed int    // in[from:parsed] is known to be no whole head
	out    []byte // answers not yet written
	path   []byte // of a request, decoded
	head   h1.Head
}

// outSize is room for a small file, or for the answers to some pipelined
// requests.
const outSize = 16 << 10

var desks = sync.Pool{New: func() any {
	return &desk{out: make([]byte, 0, outSize), path: make([]byte, 0, 256)}
}}

func newLane(s *Server, w *wire, secure bool) *lane {
	l := &lane{server: s, wire: w, secure: secure}
	l.state.Store(laneIdle)
	return l
}

// next is what becomes of a connection.
type next int

const (
	stay     next = iota
	end           // it is closed
	handOver      // net/http takes it, and what is not answered
)

// run answers requests until the connection ends or is handed over.
func (l *lane) run() {
	defer l.server.lanes.remove(l)
	defer l.survive()
	n := l.admit()
	for n == stay {
		if n = l.await(); n == stay {
			n = l.answerAll()
		}
	}
	if n == end {
		l.returnDesk()
		_ = l.wire.Close()
		return
	}
	var rest []byte
	if d := l.desk; d != nil {
		rest = bytes.Clone(d.in[d.from:d.to])
		l.returnDesk()
	}
	_ = l.wire.SetReadDeadline(time.Time{})
	l.handOver(rest)
}

// survive ends the connection, and not the program, if a hook or a Limiter has
// panicked, as net/http does.
func (l *lane) survive() {
	r := recover()
	if r == nil {
		return
	}
	if r != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
		l.server.http.ErrorLog.Printf("httpd: panic serving %v: %v\n%s", l.wire.RemoteAddr(), r, debug.Stack())
	}
	defer func() {
		_ = recover() // of the hook, once more
		_ = l.wire.Close()
	}()
	if l.told.status != 0 {
		l.told.err = errPanic
		l.tell(&l.desk.head, end)
	}
}

// sendAway is run for a connection for which there is no room.
func (l *lane) sendAway() {
	defer l.server.lanes.remove(l)
	l.server.refuse(l.wire, l.secure)
	_ = l.wire.Close()
}

// admit finds out who the client is, whether there is room for it, and who
// serves it.
func (l *lane) admit() next {
	s, w := l.server, l.wire
	first, err := s.readProxy(w)
	if err != nil {
		return end
	}
	if len(first) > 0 {
		l.borrowDesk()
		l.desk.to = copy(l.desk.in[:], first)
	}
	if !l.wake() {
		return end
	}
	protocol := live.HTTP
	if l.secure {
		protocol = live.HTTPS
	}
	client := live.Client{Protocol: protocol, Remote: w.remote, Conn: w.c, Shared: len(s.ProxyFrom) > 0 && s.trustsIP(live.AddrPortOf(w.remote).Addr())}
	if w.live, err = live.Enter(s.registry, client); err != nil {
		s.refuse(w, l.secure)
		return end
	}
	w.pace = s.pace()
	if l.secure || s.files.Load() == nil || s.NoFastPath || w.raw == nil {
		return handOver
	}
	l.now = time.Now()
	if len(first) > 0 {
		return l.answerAll()
	}
	return stay
}

// endIdle ends the lane if no request has come.
func (l *lane) endIdle() {
	if l.state.CompareAndSwap(laneIdle, laneEnded) {
		l.wire.cut()
	}
}

// cut ends the lane whatever it does.
func (l *lane) cut() { l.wire.cut() }

func (l *lane) borrowDesk() {
	if l.desk == nil {
		l.desk = desks.Get().(*desk)
	}
}

func (l *lane) returnDesk() {
	if d := l.desk; d != nil {
		l.desk = nil
		d.from, d.to, d.parsed, d.out = 0, 0, 0, d.out[:0]
		d.head = h1.Head{}
		desks.Put(d)
	}
}

// answerAll answers the requests that have come.
func (l *lane) answerAll() next {
	d := l.desk
	if d.parsed > 0 && d.to < len(d.in) && bytes.IndexByte(d.in[d.parsed:d.to], '\n') < 0 {
		d.parsed = d.to // the head cannot end here, and a byte a time must not cost a look at all of it
		return stay
	}
	for d.from < d.to {
		// A view of the buffer, whose parts nobody may keep.
		in := unsafe.String(&d.in[d.from], d.to-d.from)
		n, verdict := h1.Parse(in, &d.head)
		switch verdict {
		case h1.Incomplete:
			d.to = copy(d.in[:], d.in[d.from:d.to])
			d.from, d.parsed = 0, d.to
			return l.flushed(stay)
		case h1.Other:
			return l.flushed(handOver)
		case h1.Conflict:
			answer := refusal(http.StatusBadRequest)
			l.desk.out = append(l.desk.out, answer...)
			l.flushed(end)
			l.server.tellRefusal(l.wire, lineOf(d.in[d.from:d.to]), answer)
			linger(l.wire)
			return end
		}
		l.heading = false
		if next := l.answer(in[:n]); next != stay {
			return l.flushed(next)
		}
		d.from += n
	}
	if l.flushed(stay) == end {
		return end
	}
	d.from, d.to, d.parsed = 0, 0, 0
	// Let others go first. Meanwhile the next request may come, which then
	// costs neither a failed read nor a wait.
	runtime.Gosched()
	return stay
}

// flushed sends what is in out, and returns n if that worked.
func (l *lane) flushed(n next) next {
	if _, err := l.flush(false); err != nil {
		return end
	}
	return n
}

// await waits until something has come.
func (l *lane) await() next {
	if !l.read() {
		return end
	}
	l.now = time.Now()
	return stay
}

// park is called before a wait. It reports whether the lane may wait.
func (l *lane) park() bool {
	if l.desk != nil && l.desk.to == 0 {
		l.returnDesk()
	}
	l.arm()
	if l.desk != nil {
		return true
	}
	return l.idle()
}

// idle lets a Shutdown end the lane until it wakes. It reports whether none has
// already.
func (l *lane) idle() bool {
	l.state.Store(laneIdle)
	// Shutdown sets closing first and then looks at the states.
	return !l.server.closing.Load() || !l.state.CompareAndSwap(laneIdle, laneEnded)
}

// wake is called when something has come after a wait. It reports whether the
// lane is still its own.
func (l *lane) wake() bool {
	return l.state.Load() == laneBusy || l.state.CompareAndSwap(laneIdle, laneBusy)
}

// arm sets the deadline of a wait. The timer is dear, and so a deadline for
// the next request may be late by a fifth, and is left alone while it is not
// early.
func (l *lane) arm() {
	if l.desk != nil {
		if !l.heading {
			l.heading = true
			l.setDeadline(l.server.headerTimeout())
		}
		return
	}
	idle := l.server.idleTimeout()
	if l.heading || l.deadline.IsZero() != (idle == 0) || idle > 0 && l.deadline.Sub(l.now) < idle {
		l.heading = false
		l.setDeadline(idle + idle/5)
	}
}

// setDeadline bounds reading by some time from now; zero is no bound.
func (l *lane) setDeadline(d time.Duration) {
	l.deadline = time.Time{}
	if d > 0 {
		l.deadline = l.now.Add(d)
	}
	_ = l.wire.SetReadDeadline(l.deadline) // fails only if the connection is closed, which reading will tell
}

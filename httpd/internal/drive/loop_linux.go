package drive

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sluice/httpd/internal/h1conn"
	"sluice/httpd/internal/netconn"
)

// loop serves connections. Its fields belong to the thread that runs it
// now, except where that is said.
type loop struct {
	set  *Loops
	ep   int // the epoll(7) set
	mail mailbox
	load atomic.Int64 // connections; for all
	busy atomic.Int64 // responses that did not fit into the socket at once; for all

	listeners []int // not closed yet
	draining  bool
	isCut     bool // all connections were cut

	conns      []*conn // by slot; nil: free
	free       []int32 // slots
	generation uint32  // the last one
	wheel      wheel

	events        []unix.EpollEvent
	event, nEvent int // events[event:nEvent] are not handled yet
	readyAt       int
	ready, next   []*conn // have more to do: in this turn, and in the next one
	messages      []message

	counts counts
	thread atomic.Pointer[thread] // that runs the loop; for all
}

// counts are the counters of a loop. One goroutine writes them, any may read them.
type counts struct {
	accepted, silent, turns, worked, replaced atomic.Uint64
}

// conn is a connection of a loop.
type conn struct {
	net  netconn.Conn
	sock socket
	m    *h1conn.Machine // nil: nothing of a request has come

	blockedAt  time.Duration // when the socket became full; zero: it is not
	tookAt     time.Duration // when the client last took something, as far as was seen
	taken      taken         // as of the last look
	slot       int32
	generation uint32 // of the slot, so that late events of an earlier connection are known

	place      place
	isReadable bool // a read may find something
	isEnding   bool // the client has ended its side, or the connection
	inEpoll    bool
	isSending  bool // counted in loop.busy
}

// place says who has a connection.
type place uint8

const (
	waiting place = iota // the loop, for an event
	queued               // the loop, in ready or next
	serving              // the thread, in serve
	held                 // a worker
	closed               // nobody
)

// thread is a goroutine that runs a loop, until it ends or another one replaces it. It is
// not locked to a thread of the system: each call of the scheduler would then cost two
// switches of threads.
type thread struct {
	loop    *loop
	server  h1conn.Server   // that of the configuration, with the Report of the thread
	machine *h1conn.Machine // not attached
	records []report        // of this turn

	// step is the number of the present step; zero means that there is none, and replaced
	// that another thread runs the loop.
	step  atomic.Int64
	steps int64

	done int // work since the scheduler was last called, as yieldAfter counts it

	clock time.Time     // of this turn
	now   time.Duration // the same since the start of the Loops
}

const replaced = -1

const (
	// After 10 ms without a call of the scheduler it would interrupt the thread every 20 us,
	// and take the processor away at each system call (retake in runtime/proc.go). So the
	// thread calls it each one or two milliseconds: a step counts as one, and as one more
	// for each 64 KiB that it sends.
	yieldAfter = 128

	maxEvents   = 256
	reportAgain = 10 // milliseconds, if the reporter has no room
	maxAccept   = 64 // connections in one turn
	maxReady    = 64 // connections in one turn that have more to do
)

// run runs the loop until it has ended, or until another thread has replaced this one.
func (t *thread) run() {
	l := t.loop
	for t.turn() {
		l.counts.turns.Add(1)
	}
}

// turn handles what has happened. It returns false if the thread has ended.
func (t *thread) turn() bool {
	l := t.loop
	if l.event == l.nEvent {
		t.poll()
	}
	t.readClock()
	for l.event < l.nEvent {
		ev := &l.events[l.event]
		l.event++
		if !t.handle(ev) {
			return false
		}
	}
	t.readMail()
	if !t.expire() {
		return false
	}
	// Connections that have more to do take turns with new events.
	if len(l.ready) == 0 {
		l.ready, l.next = l.next, l.ready[:0]
		l.readyAt = 0
	}
	for range maxReady {
		if l.readyAt == len(l.ready) {
			l.ready, l.readyAt = l.ready[:0], 0
			break
		}
		c := l.ready[l.readyAt]
		l.readyAt++
		if c.place == queued && !t.serveNow(c) {
			return false
		}
	}
	t.passReports()
	return !l.draining || !t.finish()
}

func (t *thread) readClock() {
	t.clock = time.Now()
	t.now = t.clock.Sub(t.loop.set.start)
}

// poll waits for events, unless there is something to do.
func (t *thread) poll() {
	l := t.loop
	l.event, l.nEvent = 0, 0
	n, err := epollNow(l.ep, l.events)
	if n == 0 && err == 0 && len(l.ready) == 0 && len(l.next) == 0 {
		t.now = time.Since(l.set.start)
		timeout := -1
		if wait, ok := l.wheel.next(t.now); ok {
			timeout = int((wait + time.Millisecond - 1) / time.Millisecond)
		}
		if len(t.records) > 0 && (timeout < 0 || timeout > reportAgain) {
			timeout = reportAgain
		}
		if l.mail.beginSleep() {
			l.set.watch.sleep()
			n, err = epollWait(l.ep, l.events, timeout)
			l.set.watch.wake()
		}
		l.mail.endSleep()
	}
	if err != 0 && err != unix.EINTR { // EINTR is a signal of Go's runtime
		panic("epoll_wait: " + err.Error())
	}
	l.nEvent = n
}

// epollNow returns the events that have happened. It cannot wait, so the scheduler need
// not know of it.
func epollNow(ep int, events []unix.EpollEvent) (int, syscall.Errno) {
	n, _, err := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(ep), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if err != 0 {
		return 0, err
	}
	return int(n), 0
}

// epollWait waits for events for a number of milliseconds; negative: for ever.
func epollWait(ep int, events []unix.EpollEvent, timeout int) (int, syscall.Errno) {
	n, _, err := syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(ep), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(timeout), 0, 0)
	if err != 0 {
		return 0, err
	}
	return int(n), 0
}

// The Fd of an event is the slot of its connection, or one of these. The Pad is the
// generation of the slot, or the listening descriptor.
const (
	ofMail     = -1
	ofListener = -2
)

// handle handles an event. It returns false if the thread was replaced.
func (t *thread) handle(ev *unix.EpollEvent) bool {
	l := t.loop
	switch {
	case ev.Fd == ofMail:
		l.mail.drainEvent()
		return true
	case ev.Fd == ofListener:
		return t.accept(int(ev.Pad))
	}
	c := l.conns[ev.Fd]
	if c == nil || c.generation != uint32(ev.Pad) {
		return true // of a connection that was closed in this turn
	}
	switch {
	case c.place == held:
		c.sock.held.signal(ev.Events)
		return true
	case c.place == serving: // by a thread that was replaced
		return true
	}
	if ev.Events&^unix.EPOLLOUT != 0 {
		c.isReadable = true
		c.isEnding = c.isEnding || ev.Events&^(unix.EPOLLOUT|unix.EPOLLIN) != 0
	}
	switch {
	case c.place != waiting:
	case c.blockedAt != 0 && ev.Events&(unix.EPOLLOUT|unix.EPOLLERR|unix.EPOLLHUP) != 0,
		c.blockedAt == 0 && c.isReadable:
		return t.serveNow(c)
	}
	return true
}

// add takes a connection into the loop.
func (l *loop) add(c *conn) {
	if n := len(l.free); n > 0 {
		c.slot = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		c.slot = int32(len(l.conns))
		l.conns = append(l.conns, nil)
	}
	l.generation++
	c.generation = l.generation
	l.conns[c.slot] = c
	l.load.Add(1)
}

// remove takes a connection out of the loop. Its descriptor stays open.
func (l *loop) remove(c *conn) {
	if c.inEpoll {
		c.inEpoll = false
		_ = unix.EpollCtl(l.ep, unix.EPOLL_CTL_DEL, int(c.sock.fd), nil)
	}
	l.forget(c)
}

func (l *loop) forget(c *conn) {
	l.setSending(c, false)
	l.wheel.forget(c.slot)
	l.conns[c.slot] = nil
	l.free = append(l.free, c.slot)
	l.load.Add(-1)
}

// close closes a connection.
func (l *loop) close(c *conn) {
	if c.m != nil {
		c.m.Release()
		c.m = nil
	}
	c.place = closed
	c.net.Leave()
	l.forget(c)
	rawClose(c.sock.take()) // which takes it out of the epoll set
}

func rawClose(fd int) { _, _, _ = syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// watchFor makes events of the connection come. It reports whether that worked.
func (l *loop) watchFor(c *conn) bool {
	if c.inEpoll {
		return true
	}
	ev := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET,
		Fd:     c.slot, Pad: int32(c.generation),
	}
	_, _, err := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(l.ep), unix.EPOLL_CTL_ADD, uintptr(c.sock.fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	c.inEpoll = err == 0
	return c.inEpoll
}

// serveNow serves a connection as far as possible now. It returns false if another thread
// has replaced this one meanwhile, because that took too long.
func (t *thread) serveNow(c *conn) bool {
	l := t.loop
	t.steps++
	c.place = serving
	t.step.Store(t.steps)
	next := t.serve(c)
	if !t.step.CompareAndSwap(t.steps, 0) {
		t.passLastReports()
		l.mail.post(message{kind: returned, conn: c, next: next})
		return false
	}
	l.settle(t, c, next)
	if t.done++; t.done >= yieldAfter {
		t.done = 0
		runtime.Gosched()
		t.readClock()
	}
	return true
}

// settle does with a connection what follows from serving it.
func (l *loop) settle(t *thread, c *conn, next outcome) {
	if next == awaitsBytes && !c.inEpoll && c.m == nil && c.net.Sent() == 0 {
		l.counts.silent.Add(1)
	}
	if next != handsOver && next != ends && !l.watchFor(c) {
		next = ends // the system has no room for it
	}
	c.place = waiting
	l.setSending(c, next == awaitsRoom || next == hasMore)
	if c.isSending && l.moves(c) {
		return
	}
	switch next {
	case awaitsBytes:
		l.awaitBytes(t, c)
	case awaitsRoom:
		l.awaitRoom(t, c)
	case hasMore:
		c.place = queued
		l.next = append(l.next, c)
	case needsWorker:
		l.counts.worked.Add(1)
		l.hold(c)
		go l.work(c)
	case handsOver:
		rest := c.m.Rest()
		c.m.Release()
		c.m = nil
		l.remove(c)
		l.set.handing.Add(1)
		go l.handOver(c, rest)
	case ends:
		l.close(c)
	}
}

// moves gives a connection that sends a large file to a loop that has at least two fewer
// of them, and reports whether it has.
func (l *loop) moves(c *conn) bool {
	if len(l.set.all) == 1 || c.m.Left() < worthMoving {
		return false
	}
	busy := l.busy.Load()
	for _, other := range l.set.all {
		if busy-other.busy.Load() < 2 {
			continue
		}
		l.remove(c)
		if other.mail.post(message{kind: adopted, conn: c}) {
			return true
		}
		l.add(c)
		l.watchFor(c)
		l.setSending(c, true)
		return false
	}
	return false
}

// worthMoving is how much of a response must be left to give it to another loop.
const worthMoving = 1 << 20

// awaitBytes makes a connection wait for the rest of a head, or for the next request.
func (l *loop) awaitBytes(t *thread, c *conn) {
	s := l.set.config.Server
	due := time.Duration(0)
	switch {
	case c.m != nil:
		if s.HeaderTimeout > 0 {
			due = c.m.HeadSince().Sub(l.set.start) + s.HeaderTimeout
		}
	case l.draining && !c.isReadable:
		l.close(c)
		return
	case s.IdleTimeout > 0:
		due = t.now + s.IdleTimeout
	}
	l.wheel.set(c.slot, due)
}

// awaitRoom makes a connection wait until the client takes something.
func (l *loop) awaitRoom(t *thread, c *conn) {
	c.blockedAt = max(t.now, 1)
	// The system may have accepted more although the client has taken nothing, because it
	// has enlarged the send buffer.
	seen, _ := takenOf(int(c.sock.fd))
	if c.tookAt == 0 || seen.isAfter(c.taken) || seen.edge == seen.acked+unknownRoom {
		c.tookAt = c.blockedAt
	}
	c.taken = seen
	l.wheel.set(c.slot, l.nextCheck(c, t.now))
}

// stallChecks is how often within the stall timeout a connection is checked whose client
// makes no room: a client that takes little does not stall.
const stallChecks = 16

// nextCheck returns when a connection that waits for its client must be looked at; zero:
// never.
func (l *loop) nextCheck(c *conn, now time.Duration) (at time.Duration) {
	if stall := l.set.config.Server.StallTimeout; stall > 0 {
		at = min(now+stall/stallChecks, c.tookAt+stall)
	}
	if left, ok := c.net.MayWait(); ok && (at == 0 || c.blockedAt+left < at) {
		at = c.blockedAt + left
	}
	return at
}

// expire ends the waits that are over. It returns false if the thread was replaced.
func (t *thread) expire() bool {
	l := t.loop
	for {
		slot, ok := l.wheel.expire(t.now)
		if !ok {
			return true
		}
		if c := l.conns[slot]; c != nil && c.place == waiting && !t.timeOut(c) {
			return false
		}
	}
}

// timeOut ends the wait of a connection. It returns false if the thread was replaced.
func (t *thread) timeOut(c *conn) bool {
	l := t.loop
	if c.blockedAt == 0 {
		l.close(c)
		return true
	}
	seen, quiet := takenOf(int(c.sock.fd))
	if seen.isAfter(c.taken) {
		c.tookAt = max(c.tookAt, t.now-quiet)
	}
	c.taken = seen
	left, hasMinRate := c.net.MayWait()
	isTooSlow := hasMinRate && t.now >= c.blockedAt+left
	stall := l.set.config.Server.StallTimeout
	if !isTooSlow && (stall == 0 || t.now < c.tookAt+stall) {
		l.wheel.set(c.slot, l.nextCheck(c, t.now))
		return true
	}
	c.net.Stalled()
	c.m.Sent(noBytes, stallError(c, isTooSlow))
	return t.serveNow(c)
}

// setSending counts a connection whose response waits for the client, or does not.
func (l *loop) setSending(c *conn, is bool) {
	if c.isSending != is {
		c.isSending = is
		if is {
			l.busy.Add(1)
		} else {
			l.busy.Add(-1)
		}
	}
}

// readMail does what other goroutines want.
func (t *thread) readMail() {
	l := t.loop
	if len(l.messages) == 0 {
		l.messages = l.mail.take(l.messages)
	}
	for len(l.messages) > 0 {
		m := l.messages[0]
		l.messages = l.messages[1:]
		switch m.kind {
		case returned:
			m.conn.sock.held = nil
			m.conn.isReadable = true // events may have gone to the worker
			if m.next == awaitsBytes || m.next == awaitsRoom {
				m.conn.place = queued
				l.next = append(l.next, m.conn)
				continue
			}
			l.settle(t, m.conn, m.next)
		case adopted:
			if l.isCut { // before the other loop was
				m.conn.net.Cut()
			}
			l.add(m.conn)
			m.conn.place = queued
			l.next = append(l.next, m.conn)
		case resumeAccepting:
			_ = l.listen() // fails only if the system has no memory
		case stopAccepting:
			l.closeListeners()
		case drain:
			l.draining = true
			l.closeListeners()
			for _, c := range l.conns {
				if c != nil && c.place == waiting && c.m == nil {
					c.isReadable, c.place = true, queued // a request may have come
					l.next = append(l.next, c)
				}
			}
		case cut:
			l.isCut = true
			for _, c := range l.conns {
				if c != nil {
					c.net.Cut()
				}
			}
		}
	}
}

// finish ends the loop if it has nothing left, and reports whether it has.
func (t *thread) finish() bool {
	l := t.loop
	if l.load.Load() > 0 || !l.mail.close() {
		return false
	}
	t.passLastReports()
	_ = unix.Close(l.ep)
	l.set.running.Done()
	return true
}

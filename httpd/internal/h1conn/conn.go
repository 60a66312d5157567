package h1conn

import (
	"bytes"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"sluice/httpd/internal/netconn"
	"sluice/httpd/internal/plan"
	"sluice/internal/h1"
)

// conn is a connection that is served.
type conn struct {
	server *Server
	net    *netconn.Conn

	buffers     *buffers  // nil: nothing of a request has come
	now         time.Time // when the last bytes came
	deadline    time.Time // the one set for reading
	readingHead bool      // deadline is that of a head of which a part has come

	received   int                   // bytes, by the last read
	onReadable func(fd uintptr) bool // a method value, made once; nil where reads block

	handler  *Handler // of the present request
	response response // the present one
}

// buffers is the memory for reading and answering requests.
type buffers struct {
	in      [h1.MaxSize]byte
	from    int // in[from:to] was read and is not answered
	to      int
	parsed  int    // in[from:parsed] is known not to be a whole head
	out     []byte // responses that are not written yet
	path    []byte // of a request, decoded
	head    h1.Head
	request plan.Request
}

// outSize is room for a small file, or for the responses to some pipelined
// requests.
const outSize = 16 << 10

var bufferPool = sync.Pool{New: func() any {
	return &buffers{out: make([]byte, 0, outSize), path: make([]byte, 0, 256)}
}}

// parse is a variable for the tests.
var parse = h1.Parse

// next says what becomes of a connection.
type next int

const (
	stay     next = iota
	end           // it is closed
	handOver      // net/http takes it, with the bytes that are not answered
)

// Serve answers the requests on nc, of which first was read already. It reports
// whether net/http has to take over the connection, and returns the bytes that were
// read and not answered; otherwise the connection is closed. nc must be busy and have a
// descriptor. If a hook or a Limiter panics, the response is recorded and the
// panic goes on.
func Serve(s *Server, nc *netconn.Conn, first []byte) (isHandedOver bool, rest []byte) {
	c := &conn{server: s, net: nc, now: time.Now()}
	defer c.recordPanic()
	n := stay
	if len(first) > 0 {
		c.getBuffers()
		c.buffers.to = copy(c.buffers.in[:], first)
		n = c.answerAll()
	}
	for n == stay {
		if n = c.await(); n == stay {
			n = c.answerAll()
		}
	}
	if n == end {
		c.putBuffers()
		_ = nc.Close()
		return false, nil
	}
	if b := c.buffers; b != nil {
		rest = bytes.Clone(b.in[b.from:b.to])
		c.putBuffers()
	}
	_ = nc.SetReadDeadline(time.Time{})
	return true, rest
}

// recordPanic records the response under way, if there is one: that is so only if
// something has panicked.
func (c *conn) recordPanic() {
	if c.response.status == 0 {
		return
	}
	defer func() { _ = recover() }() // of the same hook, once more
	c.response.err = netconn.ErrPanic
	c.record(&c.buffers.head, end)
}

func (c *conn) getBuffers() {
	if c.buffers == nil {
		c.buffers = bufferPool.Get().(*buffers)
	}
}

func (c *conn) putBuffers() {
	if b := c.buffers; b != nil {
		c.buffers = nil
		b.from, b.to, b.parsed, b.out = 0, 0, 0, b.out[:0]
		b.head, b.request = h1.Head{}, plan.Request{}
		bufferPool.Put(b)
	}
}

// answerAll answers the requests that were read.
func (c *conn) answerAll() next {
	b := c.buffers
	if b.parsed > 0 && b.to < len(b.in) && bytes.IndexByte(b.in[b.parsed:b.to], '\n') < 0 {
		b.parsed = b.to // the head cannot end here; a client that sends byte by byte must not cost a parse each
		return stay
	}
	for b.from < b.to {
		// A view of the buffer, of which no part may be kept.
		in := unsafe.String(&b.in[b.from], b.to-b.from)
		n, verdict := parse(in, &b.head)
		switch verdict {
		case h1.Incomplete:
			b.to = copy(b.in[:], b.in[b.from:b.to])
			b.from, b.parsed = 0, b.to
			return c.flushed(stay)
		case h1.Other:
			return c.flushed(handOver)
		case h1.Conflict:
			refusal := Refusal(400)
			b.out = append(b.out, refusal...)
			c.flushed(end)
			c.server.Refused(c.net, netconn.FirstLine(b.in[b.from:b.to]), refusal)
			c.net.Linger()
			return end
		}
		if c.server.Logins && b.head.HasAuthorization || c.server.hasSession(b.head.Cookie) {
			return c.flushed(handOver)
		}
		if c.server.Admits != nil && !c.server.Admits(c.clientOf(&b.head).Addr()) {
			return c.flushed(handOver)
		}
		c.readingHead = false
		if next := c.answer(in[:n]); next != stay {
			return c.flushed(next)
		}
		b.from += n
	}
	if c.flushed(stay) == end {
		return end
	}
	b.from, b.to, b.parsed = 0, 0, 0
	// Let others go first. Meanwhile the next request may come, which then
	// costs neither a failed read nor a wait.
	runtime.Gosched()
	return stay
}

// flushed sends what is in out, and returns n if that worked.
func (c *conn) flushed(n next) next {
	if _, err := c.flush(false); err != nil {
		return end
	}
	return n
}

// await waits until bytes have come.
func (c *conn) await() next {
	if !c.read() {
		return end
	}
	c.now = time.Now()
	return stay
}

// beginWait is called before a wait. It reports whether the connection may wait.
func (c *conn) beginWait() bool {
	if c.buffers != nil && c.buffers.to == 0 {
		c.putBuffers()
	}
	c.arm()
	return c.buffers != nil || c.net.SetIdle(c.server.Closing)
}

// arm sets the deadline of a wait. Setting a timer is expensive, so the deadline of
// an idle connection is set a fifth later than necessary, and is left alone until it
// would be too early.
func (c *conn) arm() {
	if c.buffers != nil {
		if !c.readingHead {
			c.readingHead = true
			c.setDeadline(c.server.HeaderTimeout)
		}
		return
	}
	idle := c.server.IdleTimeout
	if c.readingHead || c.deadline.IsZero() != (idle == 0) || idle > 0 && c.deadline.Sub(c.now) < idle {
		c.readingHead = false
		c.setDeadline(idle + idle/5)
	}
}

// setDeadline bounds reading by some time from now; zero is no bound.
func (c *conn) setDeadline(d time.Duration) {
	c.deadline = time.Time{}
	if d > 0 {
		c.deadline = c.now.Add(d)
	}
	_ = c.net.SetReadDeadline(c.deadline) // fails only if the connection is closed, which reading will show
}

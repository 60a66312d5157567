package drive

import (
	"runtime"
	"time"

	"sluice/httpd/internal/h1conn"
	"sluice/httpd/internal/netconn"
	"sluice/sendfile"
)

// Serve answers the requests on nc, of which first was read already, on the present
// goroutine. It reports whether net/http has to take over the connection, and returns
// the bytes that were read and not answered; otherwise the connection is closed. nc must
// be busy and have a descriptor. If a hook or a Limiter panics, the response is recorded
// and the panic goes on.
func Serve(s *h1conn.Server, nc *netconn.Conn, first []byte) (isHandedOver bool, rest []byte) {
	c := &blocking{server: s, conn: nc, now: time.Now()}
	defer func() {
		if c.m != nil { // there was a panic
			c.m.RecordPanic()
			c.m.Release()
		}
	}()
	if len(first) > 0 {
		c.takeMachine()
		c.m.Received(copy(c.m.Buffer(), first), c.now)
	}
	for {
		do := h1conn.Read
		if c.m != nil {
			do = run(c.m, nc, s)
		}
		if do == h1conn.Read {
			if c.read() {
				continue
			}
			do = h1conn.Close
		}
		if c.m != nil {
			rest = c.m.Rest()
			c.m.Release()
			c.m = nil
		}
		if do == h1conn.Close {
			_ = nc.Close()
			return false, nil
		}
		_ = nc.SetReadDeadline(time.Time{})
		return true, rest
	}
}

// run carries out what a Machine says, until that is Read, HandOver or Close.
func run(m *h1conn.Machine, nc *netconn.Conn, s *h1conn.Server) h1conn.Do {
	for {
		switch a := m.Next(); a.Do {
		case h1conn.Send:
			m.Sent(nc.SendBytes(a.Data, sendfile.Options{Timeout: s.StallTimeout, More: a.More}))
		case h1conn.SendFile:
			m.Sent(nc.SendFile(a.File, a.Off, a.N, sendfile.Options{
				Timeout: s.StallTimeout, Method: m.Method(), Wait: m.Limits().Hook(), Disk: m.Disk(),
			}, m.Transfer()))
		case h1conn.Work:
			m.Work(s.Base)
		default:
			return a.Do
		}
	}
}

// blocking is a connection that a goroutine serves.
type blocking struct {
	server *h1conn.Server
	conn   *netconn.Conn

	m         *h1conn.Machine // nil: nothing of a request has come
	now       time.Time       // when the last bytes came
	deadline  time.Time       // the one set for reading
	headSince time.Time       // deadline is that of the head that began then; zero: of an idle connection

	received   int                   // bytes, by the last read
	onReadable func(fd uintptr) bool // a method value, made once; nil where reads block
}

func (c *blocking) takeMachine() {
	if c.m == nil {
		c.m = h1conn.NewMachine(c.server, c.conn)
	}
}

// read waits for bytes and gives them to the Machine. It reports whether they have come.
func (c *blocking) read() bool {
	if c.m != nil && c.m.IsIdle() {
		// Let others go first. Meanwhile the next request may come, which then costs
		// neither a failed read nor a wait.
		runtime.Gosched()
	}
	if !c.await() {
		return false
	}
	c.now = time.Now()
	c.m.Received(c.received, c.now)
	return true
}

// beginWait is called before a wait. It reports whether the connection may wait.
func (c *blocking) beginWait() bool {
	if c.m != nil && c.m.IsIdle() {
		c.m.Release()
		c.m = nil
	}
	c.arm()
	return c.m != nil || c.conn.SetIdle(c.server.Closing)
}

// arm sets the deadline of a wait. Setting a timer is expensive, so the deadline of an
// idle connection is set a fifth later than necessary, and is left alone until it would
// be too early.
func (c *blocking) arm() {
	if c.m != nil {
		if since := c.m.HeadSince(); since != c.headSince {
			c.headSince = since
			c.setDeadline(since, c.server.HeaderTimeout)
		}
		return
	}
	idle := c.server.IdleTimeout
	if !c.headSince.IsZero() || c.deadline.IsZero() != (idle == 0) || idle > 0 && c.deadline.Sub(c.now) < idle {
		c.headSince = time.Time{}
		c.setDeadline(c.now, idle+idle/5)
	}
}

// setDeadline bounds reading by some time from a moment on; zero is no bound.
func (c *blocking) setDeadline(from time.Time, d time.Duration) {
	c.deadline = time.Time{}
	if d > 0 {
		c.deadline = from.Add(d)
	}
	_ = c.conn.SetReadDeadline(c.deadline) // fails only if the connection is closed, which reading will show
}

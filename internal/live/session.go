package live

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sluice/sendfile"
)

// methods is how many there are. Auto stands for bytes that are no file's.
const methods = int(sendfile.TransmitFile) + 1

// A Session is a client's connection, from Enter to Leave. Its methods may be
// called from any goroutine.
type Session struct {
	registry *Registry
	id       uint64
	entered  Protocol // by which it is counted

	remote, local net.Addr
	conn          net.Conn // nil: none
	addr          netip.Addr
	since         time.Time

	protocol atomic.Uint32 // a Protocol
	touched  atomic.Int64  // time of the last activity, Unix ns
	counts   counts

	mu      sync.Mutex // guards the fields below and those of its transfers that say so
	user    string
	command string
	first   *Transfer // of those under way, the youngest
	tap     *tap      // of conn; nil: not sampled yet
	left    bool
	killed  bool
}

// counts is what a session has served, by transfers as far as they have come,
// and without.
type counts struct {
	requests atomic.Uint64
	sent     [methods]atomic.Uint64 // bytes
	received [methods]atomic.Uint64
}

// add counts bytes that a transfer has moved. What it takes back when it fails,
// because it was not written in the end, stays counted.
func (c *counts) add(upload bool, method sendfile.Method, n int64) {
	switch {
	case n <= 0:
	case upload:
		c.received[method].Add(uint64(n))
	default:
		c.sent[method].Add(uint64(n))
	}
}

// ID returns the number that Status and Kill know the session by. It is never
// 0, unless s is nil.
func (s *Session) ID() uint64 {
	if s == nil {
		return 0
	}
	return s.id
}

// SetProtocol tells that the client speaks another protocol now, as after AUTH
// TLS. The totals go on counting the session as what it was at first.
func (s *Session) SetProtocol(p Protocol) {
	if s != nil {
		s.protocol.Store(uint32(p))
	}
}

// SetUser tells who has logged in; "" is nobody. most bounds the sessions of
// that user beside Registry.MaxConnsPerUser, zero does not. If there are as many
// already, the error is ErrTooManyOfUser, and nobody has logged in.
func (s *Session) SetUser(name string, most int) error {
	if s == nil {
		return nil
	}
	r := s.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left {
		return nil
	}
	r.countUserLocked(s.user, -1)
	s.user = ""
	for _, limit := range [...]int{r.MaxConnsPerUser, most} {
		if limit > 0 && name != "" && r.byUser[name] >= limit {
			return ErrTooManyOfUser
		}
	}
	r.countUserLocked(name, 1)
	s.user = name
	return nil
}

// User returns who has logged in; "" is nobody.
func (s *Session) User() string {
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.user
}

// SetCommand tells what the session does: a command, or the line of a request.
// "" is nothing. The Session keeps text.
func (s *Session) SetCommand(text string) {
	if s == nil {
		return
	}
	s.touched.Store(time.Now().UnixNano())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.command = text
}

// Count counts the answer to a request that needed no Transfer. It takes no
// lock and allocates nothing.
func (s *Session) Count(now time.Time, res sendfile.Result) {
	if s == nil {
		return
	}
	s.touched.Store(now.UnixNano())
	s.counts.requests.Add(1)
	s.counts.sent[res.Method].Add(uint64(res.Sent))
}

// Leave ends the session. Transfers that are under way may still go on, and
// it is listed until they have ended.
func (s *Session) Leave() {
	if s == nil {
		return
	}
	r := s.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left {
		return
	}
	s.left = true
	r.countLocked(s, -1)
	r.countUserLocked(s.user, -1)
	if s.first == nil {
		r.forgetLocked(s)
	}
}

// forgetLocked takes a session off the list and keeps what it has counted. It
// may be called again, for a transfer that was begun too late.
func (r *Registry) forgetLocked(s *Session) {
	if r.sessions[s.id] == s {
		delete(r.sessions, s.id)
		r.totals[s.entered].addCounts(&s.counts)
	}
}

// condemn marks a session as one that we have cut, and returns what to close.
func (s *Session) condemn() []net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.killed = true
	var conns []net.Conn
	for t := s.first; t != nil; t = t.next {
		conns = append(conns, t.conn)
	}
	return slices.DeleteFunc(append(conns, s.conn), func(c net.Conn) bool { return c == nil })
}

// unlinkLocked takes a transfer away from those under way.
func (s *Session) unlinkLocked(t *Transfer) {
	at := &s.first
	for *at != t {
		at = &(*at).next
	}
	*at = t.next
	t.next = nil
}

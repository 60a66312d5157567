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

// methods is the number of sendfile methods. Auto counts bytes that came from no file.
const methods = int(sendfile.TransmitFile) + 1

// A Session is a connection of a client, from Enter to Leave. Its methods may be
// called from any goroutine.
type Session struct {
	registry *Registry
	id       uint64
	counted  Protocol // at Enter; the counters use it

	remote, local net.Addr
	conn          net.Conn // nil: none
	addr          netip.Addr
	since         time.Time

	protocol   atomic.Uint32 // a Protocol, of now
	lastActive atomic.Int64  // time of the last activity, Unix ns
	counts     counts

	mu      sync.Mutex // guards the fields below and those of its transfers that say so
	user    string
	command string
	first   *Transfer // running transfers, a list with the youngest first
	sampler *sampler  // of conn; nil: not sampled yet
	left    bool
	killed  bool
}

// counts are the counters of a session, running transfers included.
type counts struct {
	requests atomic.Uint64
	sent     [methods]atomic.Uint64 // bytes
	received [methods]atomic.Uint64
}

// add counts n bytes that a transfer has moved. A negative n is ignored: bytes that
// were not written in the end stay counted, so that no counter goes back.
func (c *counts) add(upload bool, method sendfile.Method, n int64) {
	switch {
	case n <= 0:
	case upload:
		c.received[method].Add(uint64(n))
	default:
		c.sent[method].Add(uint64(n))
	}
}

// ID returns the ID of the session for Kill. It is 0 only if s is nil.
func (s *Session) ID() uint64 {
	if s == nil {
		return 0
	}
	return s.id
}

// SetProtocol changes the protocol that is shown, as after AUTH TLS. The totals keep
// counting the session under its first protocol.
func (s *Session) SetProtocol(p Protocol) {
	if s != nil {
		s.protocol.Store(uint32(p))
	}
}

// SetUser sets the user of the session; "" is none. limit bounds the sessions of that
// user in addition to Registry.MaxConnsPerUser; zero means no limit. If it is reached
// the error is ErrTooManyOfUser, and the session has no user.
func (s *Session) SetUser(name string, limit int) error {
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
	for _, limit := range [...]int{r.MaxConnsPerUser, limit} {
		if limit > 0 && name != "" && r.byUser[name] >= limit {
			return ErrTooManyOfUser
		}
	}
	r.countUserLocked(name, 1)
	s.user = name
	return nil
}

// User returns the user of the session; "" is none.
func (s *Session) User() string {
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.user
}

// SetCommand sets the command or request line that the session is working on; "" is
// none. The Session keeps text.
func (s *Session) SetCommand(text string) {
	if s == nil {
		return
	}
	s.lastActive.Store(time.Now().UnixNano())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.command = text
}

// Count counts a request whose response needed no Transfer. It takes no lock and does
// not allocate.
func (s *Session) Count(now time.Time, res sendfile.Result) {
	if s == nil {
		return
	}
	s.lastActive.Store(now.UnixNano())
	s.counts.requests.Add(1)
	s.counts.sent[res.Method].Add(uint64(res.Sent))
}

// Leave ends the session. Its running transfers may go on; it is listed until the
// last of them has ended.
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
		r.removeLocked(s)
	}
}

// removeLocked removes a session from the list and adds its counters to the totals.
// It does nothing if the session was removed before, as after a transfer that began
// after Leave.
func (r *Registry) removeLocked(s *Session) {
	if r.sessions[s.id] == s {
		delete(r.sessions, s.id)
		r.totals[s.counted].addCounts(&s.counts)
	}
}

// markKilled marks the session as killed and returns the connections to close.
func (s *Session) markKilled() []net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.killed = true
	var conns []net.Conn
	for t := s.first; t != nil; t = t.next {
		conns = append(conns, t.conn)
	}
	return slices.DeleteFunc(append(conns, s.conn), func(c net.Conn) bool { return c == nil })
}

// unlinkLocked removes a transfer from the list of running transfers.
func (s *Session) unlinkLocked(t *Transfer) {
	at := &s.first
	for *at != t {
		at = &(*at).next
	}
	*at = t.next
	t.next = nil
}

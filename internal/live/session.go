package live

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A Session is a connection of a client, from Enter to Leave. Its methods may be
// called from any goroutine. Those of a Session that has not entered do nothing.
//
// A caller may embed it in a struct of its own. Others can read a Session shortly after
// Leave, so neither may be used again: leave them to the garbage collector.
//
// A server may have many idle sessions. Fields that most of them never need are in
// details.
type Session struct {
	registry *Registry // nil before Enter
	id       uint64
	addr     netip.Addr // of the client, never IPv4-mapped; zero: it has no TCP address
	since    int64      // Unix ns

	lastActive atomic.Int64 // Unix ns
	requests   atomic.Uint64
	sent       struct{ auto, sendfile, copied atomic.Uint64 } // bytes; details has the other methods
	details    atomic.Pointer[details]                        // nil: not needed yet

	mu      sync.Mutex // guards the fields below and those of details and transfers that say so
	conn    net.Conn   // nil: none
	command string
	first   *Transfer // running transfers, a list with the youngest first
	sampler *sampler  // of conn; nil: not sampled yet

	// Small fields, side by side to take one word.
	index   uint32   // in Registry.sessions, whose lock guards it
	port    uint16   // of the client
	counted Protocol // at Enter; the counters use it
	flags   flags    // mu guards it, but shared never changes
}

// flags are the states of a session.
type flags uint8

const (
	shared flags = 1 << iota // see Client.Shared
	left                     // Leave was called
	killed
	watched // in Registry.watched
)

// Enter adds the session, which must be zero but for SetRemote, to a registry. If a limit is reached
// the error is ErrTooMany or ErrTooManyFromAddr, and the session has not entered. The
// caller calls Leave at the end of the connection.
func (s *Session) Enter(r *Registry, c Client) error {
	since := c.Since
	if since.IsZero() {
		since = time.Now()
	}
	s.addr, s.port, s.conn = c.Remote.Addr().Unmap(), c.Remote.Port(), c.Conn
	s.counted, s.since = c.Protocol, since.UnixNano()
	if c.Shared {
		s.flags = shared
	}
	s.lastActive.Store(s.since)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Started.IsZero() {
		r.Started = since
	}
	if err := r.checkLocked(s); err != nil {
		r.totals[c.Protocol].refused++
		return err
	}
	r.countLocked(s, 1)
	r.totals[c.Protocol].connections++
	r.lastID++
	s.id, s.registry = r.lastID, r
	r.addLocked(s)
	return nil
}

// isEntered reports whether Enter was called and has succeeded. s may be nil.
func (s *Session) isEntered() bool { return s != nil && s.registry != nil }

// remote returns the address of the client; the zero AddrPort without one.
func (s *Session) remote() netip.AddrPort { return netip.AddrPortFrom(s.addr, s.port) }

// Remote returns the address of the client: that of SetRemote or of Client.Remote.
func (s *Session) Remote() netip.AddrPort { return s.remote() }

// SetRemote sets the address of the client before Enter, so that a server that needs it
// earlier does not keep it a second time.
func (s *Session) SetRemote(client netip.AddrPort) {
	s.addr, s.port = client.Addr().Unmap(), client.Port()
}

// ID returns the ID of the session for Kill. It is 0 only if s is nil or has not
// entered.
func (s *Session) ID() uint64 {
	if s == nil {
		return 0
	}
	return s.id
}

// SetProtocol changes the protocol that is shown, as after AUTH TLS. The totals keep
// counting the session under its first protocol.
func (s *Session) SetProtocol(p Protocol) {
	if !s.isEntered() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.withDetails().shown = p
}

// SetUser sets the user of the session; "" is none. limit bounds the sessions of that
// user in addition to Registry.MaxConnsPerUser; zero means no limit. If it is reached
// the error is ErrTooManyOfUser, and the session has no user.
func (s *Session) SetUser(name string, limit int) error {
	if !s.isEntered() {
		return nil
	}
	if name == "" && s.details.Load() == nil {
		return nil // there was none before
	}
	r, d := s.registry, s.withDetails()
	r.mu.Lock()
	defer r.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flags&left != 0 {
		return nil
	}
	r.countUserLocked(d.user, -1)
	d.user = ""
	for _, limit := range [...]int{r.MaxConnsPerUser, limit} {
		if limit > 0 && name != "" && r.byUser[name] >= limit {
			return ErrTooManyOfUser
		}
	}
	r.countUserLocked(name, 1)
	d.user = name
	return nil
}

// User returns the user of the session; "" is none.
func (s *Session) User() string {
	if !s.isEntered() {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.userLocked()
}

// SetCommand sets the command or request line that the session is working on; "" is
// none. The Session keeps text.
func (s *Session) SetCommand(text string) {
	if !s.isEntered() {
		return
	}
	s.lastActive.Store(time.Now().UnixNano())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.command = text
}

// Leave ends the session. Its running transfers may go on; it is listed until the
// last of them has ended.
func (s *Session) Leave() {
	if !s.isEntered() {
		return
	}
	r := s.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flags&left != 0 {
		return
	}
	s.flags |= left
	r.countLocked(s, -1)
	r.countUserLocked(s.userLocked(), -1)
	if s.first == nil {
		s.unwatchLocked()
		r.removeLocked(s)
	}
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

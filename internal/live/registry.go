package live

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A Registry knows all sessions of a server, or of several. Its zero value is
// ready. Set the fields before the first Enter; all methods may be called from
// any goroutine.
type Registry struct {
	// MaxConns bounds the sessions at one time, MaxConnsPerAddr those of one
	// client, and MaxConnsPerUser those of one user. A client is an address of
	// IPv4 or a network of 64 bits of IPv6, of which one client has all
	// addresses; those of unix sockets have none and are not bounded by it.
	// Zero means any number.
	MaxConns, MaxConnsPerAddr, MaxConnsPerUser int

	// OnTransfer, if not nil, is called at the end of each transfer, on its
	// goroutine, which waits for it.
	OnTransfer func(Record)

	// Started is when the server was started, for Status. Zero means the first
	// Enter.
	Started time.Time

	running  atomic.Int64 // transfers
	watching atomic.Bool  // watch will be called

	mu       sync.Mutex // guards the fields below
	lastID   uint64
	sessions map[uint64]*Session // until they have left and their last transfer has ended
	entered  int                 // those that have not left
	byAddr   map[netip.Addr]int  // of these
	byUser   map[string]int
	totals   [protocols]totals // of what is not in sessions any more

	endings endings
}

// The errors of Enter and SetUser.
var (
	ErrTooMany         = errors.New("too many connections")
	ErrTooManyFromAddr = errors.New("too many connections from one address")
	ErrTooManyOfUser   = errors.New("too many connections of one user")
)

// Client is who enters.
type Client struct {
	Protocol Protocol

	// Remote is the address of the client, which need not be that of the other
	// end of Conn: a proxy may have said another.
	Remote net.Addr

	// Conn is the connection as it was accepted, below TLS. It stays the
	// caller's. The Registry asks for its local address, closes it in Kill, and
	// samples it if it is a syscall.Conn. Nil does without all that.
	Conn net.Conn
}

// Enter lets a client in, unless there are too many already: then the error is
// ErrTooMany or ErrTooManyFromAddr. Whoever was let in must Leave.
func (r *Registry) Enter(c Client) (*Session, error) {
	s := &Session{
		registry: r, remote: c.Remote, conn: c.Conn,
		entered: c.Protocol, addr: countedAs(c.Remote), since: time.Now(),
	}
	if c.Conn != nil {
		s.local = c.Conn.LocalAddr()
	}
	s.protocol.Store(uint32(c.Protocol))
	s.touched.Store(s.since.UnixNano())
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Started.IsZero() {
		r.Started = s.since
	}
	if err := r.countLocked(s); err != nil {
		r.totals[c.Protocol].refused++
		return nil, err
	}
	r.totals[c.Protocol].connections++
	r.lastID++
	s.id = r.lastID
	if r.sessions == nil {
		r.sessions = make(map[uint64]*Session)
	}
	r.sessions[s.id] = s
	return s, nil
}

// countLocked counts a session unless there are too many.
func (r *Registry) countLocked(s *Session) error {
	if r.MaxConns > 0 && r.entered >= r.MaxConns {
		return ErrTooMany
	}
	if r.MaxConnsPerAddr > 0 && s.addr.IsValid() {
		if r.byAddr[s.addr] >= r.MaxConnsPerAddr {
			return ErrTooManyFromAddr
		}
		if r.byAddr == nil {
			r.byAddr = make(map[netip.Addr]int)
		}
		r.byAddr[s.addr]++
	}
	r.entered++
	return nil
}

// uncountLocked takes back what countLocked and SetUser have counted.
func (r *Registry) uncountLocked(s *Session, user string) {
	r.entered--
	if r.MaxConnsPerAddr > 0 && s.addr.IsValid() {
		decrease(r.byAddr, s.addr)
	}
	r.uncountUserLocked(user)
}

// countUserLocked reports whether there is room for one more session of the
// user, and takes it.
func (r *Registry) countUserLocked(user string) bool {
	if r.MaxConnsPerUser <= 0 || user == "" {
		return true
	}
	if r.byUser[user] >= r.MaxConnsPerUser {
		return false
	}
	if r.byUser == nil {
		r.byUser = make(map[string]int)
	}
	r.byUser[user]++
	return true
}

func (r *Registry) uncountUserLocked(user string) {
	if r.MaxConnsPerUser > 0 && user != "" {
		decrease(r.byUser, user)
	}
}

// decrease keeps no zeros.
func decrease[K comparable](m map[K]int, k K) {
	if m[k]--; m[k] == 0 {
		delete(m, k)
	}
}

// countedAs returns the address under which a client is counted for
// MaxConnsPerAddr. It is not valid for those who have none.
func countedAs(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	if addr.Is6() {
		prefix, _ := addr.Prefix(64) // fails for no length that an address has
		return prefix.Addr()
	}
	return addr
}

// Len returns how many sessions and transfers there are.
func (r *Registry) Len() (sessions, transfers int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sessions), int(r.running.Load())
}

// Kill cuts the connections of a session and reports whether there is one with
// that ID. Whoever serves it finds them closed and ends it.
func (r *Registry) Kill(id uint64) bool {
	r.mu.Lock()
	s := r.sessions[id]
	r.mu.Unlock()
	if s == nil {
		return false
	}
	for _, c := range s.condemn() {
		_ = c.Close()
	}
	return true
}

// all returns the sessions that there are, in no order.
func (r *Registry) all() []*Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.allLocked()
}

func (r *Registry) allLocked() []*Session {
	all := make([]*Session, 0, len(r.sessions))
	for _, s := range r.sessions {
		all = append(all, s)
	}
	return all
}

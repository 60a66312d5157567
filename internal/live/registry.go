package live

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A Registry knows all sessions of a server, or of several. Its zero value is
// ready. Set the fields before the first Enter; all methods and functions may be
// called from any goroutine.
//
// The public packages have it under a name of their own. So what names other
// types of this package is no method: [Enter] and [Snapshot].
type Registry struct {
	// MaxConns bounds the sessions at one time, MaxConnsPerAddr those of one
	// client, as ClientAddr tells them apart, and MaxConnsPerUser those of one
	// user. Clients of unix sockets have no address and are not bounded by it.
	// Zero means any number.
	MaxConns, MaxConnsPerAddr, MaxConnsPerUser int

	// MaxFTPConns and MaxFTPConnsPerAddr bound those by FTP and FTPS among
	// them: browsers need more connections than one should have of these.
	MaxFTPConns, MaxFTPConnsPerAddr int

	// OnTransfer, if not nil, is called with each Record of all servers, on the
	// goroutine of what has ended, which waits for it.
	OnTransfer func(Record)

	// Started is when the server was started, for Status. Zero means the first
	// Enter.
	Started time.Time

	running  atomic.Int64 // transfers
	watching atomic.Bool  // watch will be called

	mu        sync.Mutex // guards the fields below
	lastID    uint64
	sessions  map[uint64]*Session // until they have left and their last transfer has ended
	everybody crowd               // those that have not left
	ftp       crowd               // of these
	byUser    map[string]int
	totals    [protocols]totals // of what is not in sessions any more

	endings endings
}

// Client is who enters.
type Client struct {
	Protocol Protocol

	// Remote is the address of the client, which need not be that of the other
	// end of Conn: a proxy may have said another.
	Remote net.Addr

	// Shared means that the other end asks for many clients, as a proxy does: the
	// bound for one address is not for it.
	Shared bool

	// Conn is the connection as it was accepted, below TLS. It stays the
	// caller's. The Registry asks for its local address, closes it in Kill, and
	// samples it if it is a syscall.Conn. Nil does without all that.
	Conn net.Conn
}

// Enter lets a client in, unless there are too many already: then the error is
// ErrTooMany or ErrTooManyFromAddr. Whoever was let in must Leave.
func Enter(r *Registry, c Client) (*Session, error) {
	s := &Session{
		registry: r, remote: c.Remote, conn: c.Conn,
		entered: c.Protocol, addr: ClientAddr(c.Remote), since: time.Now(),
	}
	if c.Shared {
		s.addr = netip.Addr{}
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
	if err := r.checkLocked(s); err != nil {
		r.totals[c.Protocol].refused++
		return nil, err
	}
	r.countLocked(s, 1)
	r.totals[c.Protocol].connections++
	r.lastID++
	s.id = r.lastID
	if r.sessions == nil {
		r.sessions = make(map[uint64]*Session)
	}
	r.sessions[s.id] = s
	return s, nil
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

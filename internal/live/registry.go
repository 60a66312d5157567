package live

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A Registry lists the sessions of one or more servers. The zero value is ready to
// use. Set the fields before the first Enter. All methods and functions may be called
// from any goroutine.
//
// The public packages export it under an alias. Functions that name other types of
// this package are therefore no methods: [Enter] and [Snapshot].
type Registry struct {
	// MaxConns limits the sessions at one time, MaxConnsPerAddr those of one client
	// address, see ClientAddr, and MaxConnsPerUser those of one user. Clients of unix
	// sockets have no address. Zero means no limit.
	MaxConns, MaxConnsPerAddr, MaxConnsPerUser int

	// MaxFTPConns and MaxFTPConnsPerAddr limit the FTP and FTPS sessions among them:
	// browsers need more connections than an FTP client should have.
	MaxFTPConns, MaxFTPConnsPerAddr int

	// OnTransfer, if not nil, is called with each Record of all servers. It blocks
	// the connection.
	OnTransfer func(Record)

	// OnChange, if not nil, is called with the Record of each FTP command that changes
	// files without a transfer. Such requests of HTTP go to OnTransfer, as all do.
	OnChange func(Record)

	// Started is the start of the server, for Snapshot. Zero means the first Enter.
	Started time.Time

	running        atomic.Int64 // transfers
	watchScheduled atomic.Bool  // a timer will call sampleStuck

	mu        sync.Mutex // guards the fields below
	lastID    uint64
	sessions  map[uint64]*Session // until Leave and the end of their last transfer
	active    counter             // sessions before Leave
	activeFTP counter             // the FTP sessions among them
	byUser    map[string]int
	totals    [protocols]totals // of sessions that were removed

	ended endedTransfers
}

// Client describes a connection for Enter.
type Client struct {
	Protocol Protocol

	// Remote is the address of the client. Behind a proxy it differs from the remote
	// address of Conn.
	Remote net.Addr

	// Shared exempts the connection from the limits of one address: it is of a proxy,
	// which serves many clients.
	Shared bool

	// Conn is the accepted connection, below TLS. The caller closes it. The Registry
	// reads its local address, closes it in Kill, and samples it if it is a
	// syscall.Conn. It may be nil.
	Conn net.Conn
}

// Enter adds a session. If a limit is reached the error is ErrTooMany or
// ErrTooManyFromAddr. The caller calls Leave at the end of the connection.
func Enter(r *Registry, c Client) (*Session, error) {
	s := &Session{
		registry: r, remote: c.Remote, conn: c.Conn,
		counted: c.Protocol, addr: ClientAddr(c.Remote), since: time.Now(),
	}
	if c.Shared {
		s.addr = netip.Addr{}
	}
	if c.Conn != nil {
		s.local = c.Conn.LocalAddr()
	}
	s.protocol.Store(uint32(c.Protocol))
	s.lastActive.Store(s.since.UnixNano())
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

// Len returns the numbers of sessions and of running transfers.
func (r *Registry) Len() (sessions, transfers int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sessions), int(r.running.Load())
}

// Kill closes the connections of a session and reports whether there is a session
// with that ID. The server then ends it.
func (r *Registry) Kill(id uint64) bool {
	r.mu.Lock()
	s := r.sessions[id]
	r.mu.Unlock()
	if s == nil {
		return false
	}
	for _, c := range s.markKilled() {
		_ = c.Close()
	}
	return true
}

// all returns all sessions in no particular order.
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

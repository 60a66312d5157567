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
	// the connection, except where event loops of HTTP have sent the response.
	OnTransfer func(Record)

	// OnChange, if not nil, is called with the Record of each FTP command that changes
	// files without a transfer. Such requests of HTTP go to OnTransfer, as all do.
	OnChange func(Record)

	// Started is the start of the server, for Snapshot. Zero means the first Enter.
	Started time.Time

	running atomic.Int64 // transfers
	watched watchList

	mu        sync.Mutex // guards the fields below
	lastID    uint64
	sessions  []*Session // until Leave and the end of their last transfer; in no particular order
	active    counter    // sessions before Leave
	activeFTP counter    // the FTP sessions among them
	byUser    map[string]int
	totals    [protocols]totals // of sessions that were removed

	ended endedTransfers
}

// Client describes a connection for Enter.
type Client struct {
	Protocol Protocol

	// Remote is the address of the client. Behind a proxy it differs from the remote
	// address of Conn. It is zero if the client has no TCP address, as with unix
	// sockets: then Snapshot shows the remote address of Conn.
	Remote netip.AddrPort

	// Shared exempts the connection from the limits of one address: it is of a proxy,
	// which serves many clients.
	Shared bool

	// Since is when the connection was accepted. Zero means now: a server that knows
	// the time saves a third of the cost of Enter and Leave.
	Since time.Time

	// Conn is the accepted connection, below TLS. The caller closes it. Kill closes
	// it, Snapshot reads its addresses, and Transfers sample it if it is a
	// syscall.Conn. Other goroutines may do so shortly after Leave too. It may be nil.
	Conn net.Conn
}

// Enter makes a session and adds it; see Session.Enter.
func Enter(r *Registry, c Client) (*Session, error) {
	s := new(Session)
	if err := s.Enter(r, c); err != nil {
		return nil, err
	}
	return s, nil
}

// Len returns the numbers of sessions and of running transfers.
func (r *Registry) Len() (sessions, transfers int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sessions), int(r.running.Load())
}

// all returns all sessions in no particular order.
func (r *Registry) all() []*Session {
	all := r.roomForAll()
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(all, r.sessions...)
}

// roomForAll returns an empty list with room for all sessions and a few new ones, so
// that making the list does not prolong the time that mu is held.
func (r *Registry) roomForAll() []*Session {
	n, _ := r.Len()
	return make([]*Session, 0, n+n/16)
}

// addLocked adds a session to the list.
func (r *Registry) addLocked(s *Session) {
	s.index = uint32(len(r.sessions))
	r.sessions = append(r.sessions, s)
}

// removeLocked removes a session from the list and adds its counters to the totals.
// It does nothing if the session was removed before, as after a transfer that began
// after Leave.
func (r *Registry) removeLocked(s *Session) {
	end := len(r.sessions) - 1
	if int(s.index) > end || r.sessions[s.index] != s {
		return
	}
	last := r.sessions[end]
	last.index, r.sessions[s.index], r.sessions[end] = s.index, last, nil
	r.sessions = r.sessions[:end]
	r.totals[s.counted].addCounts(s)
}

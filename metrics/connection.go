package metrics

import (
	"iter"
	"net/netip"
)

// A Connection is a TCP socket of the host: a connection, or a listener.
type Connection struct {
	// Local and Remote are as the socket has them: an IPv4 connection of an
	// IPv6 listener has addresses as ::ffff:192.0.2.1. Remote of a listener has
	// port 0.
	Local, Remote netip.AddrPort
	State         TCPState
	Have          ConnectionFields

	// UID owns the socket. A socket in TIME_WAIT belongs to nobody.
	UID    uint32
	Inode  uint64 // as in "socket:[4711]" of /proc/PID/fd; 0: the socket has been closed
	Cookie uint64 // names the socket while the kernel runs, unlike the inode

	// RecvQueue is how many bytes wait for the application; of a listener,
	// connections that wait to be accepted. SendQueue is how many bytes are not
	// acknowledged; of a listener, how many connections may wait.
	RecvQueue, SendQueue uint32

	// Drops are the connections that a listener has refused since it was
	// opened, nearly always because its queue was full. Those of multipath TCP
	// are told as well, unlike in a Backlog.
	Drops uint64

	PID int // a process that has it open, the lowest if there are several
	TCP TCP
}

// ConnectionFields is a set of fields of a Connection. The addresses and the
// state are always told.
type ConnectionFields uint8

// The fields of a Connection.
const (
	ConnectionUID ConnectionFields = 1 << iota
	ConnectionInode
	ConnectionCookie
	ConnectionQueues
	ConnectionPID
	ConnectionTCP
	ConnectionDrops
)

// Has reports whether all of g are in f.
func (f ConnectionFields) Has(g ConnectionFields) bool { return f&g == g }

// A Filter chooses connections. The zero Filter is for all of them.
type Filter struct {
	States    TCPStates // empty: all
	LocalPort uint16    // 0: all
	PID       int       // connections that this process has open; 0: all
	Owner     bool      // find PID, for which the descriptors of all processes are looked through
	TCP       bool      // fill in TCP, but for Congestion and SendBufferFull
	Drops     bool      // fill in Drops; Linux alone tells them (4.12)
}

// Connections returns the TCP sockets that match f, of the network namespace
// of this process, in no order. On Linux they come straight from the kernel's
// answer, which looks for states and port itself, and nothing is allocated for
// each of them.
//
// The row is reused in the next step: copy it to keep it. Connections that
// come or go meanwhile may be missing. An error ends the iteration; rows
// before it are good. It is errors.ErrUnsupported if a Linux lacks the module
// tcp_diag. Each loop asks anew.
//
// A PID is told only of processes whose descriptors this one may read.
func (h Host) Connections(f Filter) iter.Seq2[*Connection, error] {
	return func(yield func(*Connection, error) bool) {
		var c Connection
		if err := h.connections(f, &c, func() bool { return yield(&c, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

package metrics

import (
	"iter"
	"net/netip"
)

// A Protocol is a protocol of the sockets that Connections lists.
type Protocol uint8

// The protocols.
const (
	ProtocolTCP Protocol = iota
	ProtocolUDP
)

// String returns "tcp" or "udp".
func (p Protocol) String() string {
	if p == ProtocolUDP {
		return "udp"
	}
	return "tcp"
}

// A Connection is a TCP or UDP socket of the host. One of TCP is a connection or a
// listener. One of UDP is Established if connect(2) has given it a Remote, and
// otherwise Closed: it exchanges packets with any address.
type Connection struct {
	Protocol Protocol

	// Local and Remote are the addresses of the socket. An IPv4 connection to an
	// IPv6 listener has addresses like ::ffff:192.0.2.1. Remote of a listener, and of
	// an UDP socket that is not connected, has port 0.
	Local, Remote netip.AddrPort
	State         TCPState
	Have          ConnectionFields

	UID    uint32 // owner of the socket; absent for a socket in TIME_WAIT, which has none
	Inode  uint64 // number in "socket:[4711]" of /proc/PID/fd; 0: the socket has been closed
	Cookie uint64 // identifies the socket while the kernel runs; unlike an inode it is not reused

	// For a connection, RecvQueue is the bytes that wait for the application, and
	// SendQueue the bytes that are not acknowledged. For a listener, RecvQueue is
	// the connections that wait to be accepted, and SendQueue how many may wait. For
	// a UDP socket both are memory of packets, which is more than their content.
	RecvQueue, SendQueue uint32

	// Drops is how many connections a listener has refused since it was opened,
	// nearly always because its queue was full. Unlike in a Backlog, it is known
	// for listeners with multipath TCP too. For a UDP socket it is the received
	// packets that were dropped, nearly always because its buffer was full.
	Drops uint64

	PID int // a process that has the socket open; the lowest PID if there are several
	TCP TCP
}

// ConnectionFields is a set of fields of a Connection. Local, Remote and State are
// always known.
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

// A Filter selects connections, and the fields to fill in. The zero Filter selects
// all TCP sockets.
type Filter struct {
	Protocol  Protocol
	States    TCPStates // only these states; empty: all
	LocalPort uint16    // only this local port; 0: all
	PID       int       // only sockets that this process has open; 0: all
	Owner     bool      // fill in PID, which reads the descriptors of all processes
	TCP       bool      // fill in TCP, except SendBufferFull (Linux)
	Drops     bool      // fill in Drops (Linux 4.12)
}

// Connections iterates over the sockets that match f, in no order. They are those of
// the network namespace of this process, or with Filter.PID of that process. If that
// is another one and may not be entered, the error is ErrOtherNamespace, and
// fs.ErrPermission too. On Linux the kernel filters by states and port, and
// Connections allocates nothing per socket.
//
// The *Connection is valid until the next iteration; copy it to keep it. Sockets
// that are opened or closed meanwhile may be missing. An error ends the iteration;
// the connections before it are valid. The error is errors.ErrUnsupported if the
// Linux kernel lacks the module tcp_diag or udp_diag. Each loop lists the sockets anew.
//
// PID is known only for processes whose descriptors this process may read.
func (h Host) Connections(f Filter) iter.Seq2[*Connection, error] {
	return func(yield func(*Connection, error) bool) {
		var c Connection
		if err := h.connections(f, &c, func() bool { return yield(&c, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

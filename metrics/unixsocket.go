package metrics

import "iter"

// A UnixSocket is a unix socket of the host, see unix(7).
type UnixSocket struct {
	// Path is where the socket is bound: the path that bind(2) was called with, which
	// another program may see elsewhere. An abstract address begins with "@". "": not
	// bound, as most sockets of clients.
	Path  string
	Type  UnixType
	State TCPState // Listen, Established: connected, or Closed: neither
	Have  UnixFields

	Inode  uint64 // number in "socket:[4711]" of /proc/PID/fd
	Cookie uint64 // identifies the socket while the kernel runs
	UID    uint32 // owner of the socket (5.4)

	// Peer is the Inode of the socket at the other end; 0: a connection that waits to
	// be accepted. It is absent without a connection.
	Peer uint64

	// RecvQueue is the bytes that wait for the application, and for a listener the
	// connections that wait to be accepted. SendQueue is memory of what was sent and
	// not yet received, and for a listener how many connections may wait.
	RecvQueue, SendQueue uint32

	PID int // a process that has the socket open; the lowest PID if there are several
}

// UnixFields is a set of fields of a UnixSocket. Path, Type, State, Inode and Cookie
// are always known.
type UnixFields uint8

// The fields of a UnixSocket.
const (
	UnixUID UnixFields = 1 << iota
	UnixPeer
	UnixQueues
	UnixPID
)

// Has reports whether all of g are in f.
func (f UnixFields) Has(g UnixFields) bool { return f&g == g }

// A UnixType is the type of a unix socket, see unix(7).
type UnixType uint8

// The types, with the numbers of Linux.
const (
	UnixStream    UnixType = 1
	UnixDatagram  UnixType = 2
	UnixSeqpacket UnixType = 5
)

// String returns "stream", "dgram" or "seqpacket".
func (t UnixType) String() string {
	switch t {
	case UnixStream:
		return "stream"
	case UnixDatagram:
		return "dgram"
	case UnixSeqpacket:
		return "seqpacket"
	}
	return stateNames[Unknown]
}

// A UnixFilter selects unix sockets, and whether to look for their processes. The zero
// value selects all.
type UnixFilter struct {
	States TCPStates // only these states; empty: all
	PID    int       // only sockets that this process has open; 0: all
	Owner  bool      // fill in PID, which reads the descriptors of all processes
}

// UnixSockets iterates over the unix sockets that match f, in no order: those of the
// same network namespace as Connections. The *UnixSocket is valid until the next
// iteration; copy it to keep it. An error ends the iteration. On systems other than
// Linux, and without the module unix_diag, the error is errors.ErrUnsupported.
func (h Host) UnixSockets(f UnixFilter) iter.Seq2[*UnixSocket, error] {
	return func(yield func(*UnixSocket, error) bool) {
		var s UnixSocket
		if err := h.unixSockets(f, &s, func() bool { return yield(&s, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

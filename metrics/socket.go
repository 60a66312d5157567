package metrics

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
)

// A Socket samples one TCP connection or listener of this process. It is safe for
// concurrent use; calls wait for each other.
type Socket struct {
	raw syscall.RawConn

	mu sync.Mutex // protects the fields below
	socketCall
}

// NewSocket returns a Socket for c, such as a *net.TCPConn or *net.TCPListener. It
// holds no descriptor and need not be closed. The caller keeps ownership of c: when
// c is closed, Sample and Backlog fail with net.ErrClosed.
func NewSocket(c syscall.Conn) (*Socket, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("metrics: new socket: %w", err)
	}
	s := &Socket{raw: raw}
	s.socketCall.init()
	return s, nil
}

// Sample overwrites t with the present state of the connection. On Linux it
// allocates nothing.
//
// Sample waits for the kernel's lock on the socket, which can take milliseconds
// while another thread sends. So call it in the goroutine that serves the
// connection, between two sends. For a listener it fills in only At and State; see
// Backlog.
//
// The error is errors.ErrUnsupported if the platform reports nothing, or the
// socket is not a TCP socket.
func (s *Socket) Sample(t *TCP) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.sample(s.raw, t); err != nil {
		return socketError("sample", err)
	}
	return nil
}

// A Backlog is the queue of a listener: established connections that wait to be
// accepted.
type Backlog struct {
	Waiting   int    // connections in the queue now
	Limit     int    // backlog of listen(2); Linux queues one more
	Drops     uint64 // connections refused since the listener was opened, nearly always because the queue was full
	HaveDrops bool   // Drops is known (Linux 4.12, without multipath TCP and TCP_DEFER_ACCEPT)
}

// Backlog returns the queue of a listener. On systems other than Linux the error
// is errors.ErrUnsupported.
func (s *Socket) Backlog() (Backlog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.backlog(s.raw)
	if err != nil {
		return Backlog{}, socketError("backlog", err)
	}
	return b, nil
}

func socketError(op string, err error) error {
	if errors.Is(err, net.ErrClosed) {
		err = net.ErrClosed // without the operation that package net names, which the caller did not call
	}
	return fmt.Errorf("metrics: %s: %w", op, err)
}

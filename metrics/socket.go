package metrics

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
)

// A Socket samples one TCP connection or listener of this process. Goroutines
// that use one at the same time wait for each other.
type Socket struct {
	raw syscall.RawConn

	mu sync.Mutex // guards the following
	socketCall
}

// NewSocket returns a Socket for c, such as a *net.TCPConn or a
// *net.TCPListener. It keeps neither a descriptor nor c open: when c is closed,
// Sample and Backlog return an error that is net.ErrClosed.
func NewSocket(c syscall.Conn) (*Socket, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("metrics: new socket: %w", err)
	}
	s := &Socket{raw: raw}
	s.socketCall.init()
	return s, nil
}

// Sample fills t and allocates nothing.
//
// It waits for the kernel's lock on the socket, which on a connection that is
// sending takes up to milliseconds: call it where the connection is served,
// between two calls that send, rather than beside it. On a listener it fills
// in the state alone; see Backlog.
//
// The error is errors.ErrUnsupported where the platform tells nothing.
func (s *Socket) Sample(t *TCP) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.sample(s.raw, t); err != nil {
		return socketError("sample", err)
	}
	return nil
}

// A Backlog is the queue of a listener: connections that are set up and wait
// to be accepted.
type Backlog struct {
	Waiting   int    // connections in the queue now
	Limit     int    // as many as it takes
	Drops     uint64 // connections refused since it was opened, nearly always because it was full
	HaveDrops bool   // Drops is told (Linux 4.12), not of multipath TCP
}

// Backlog reads the queue of a listener. Linux alone tells it; elsewhere the
// error is errors.ErrUnsupported.
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
		err = net.ErrClosed // rather than package net's wording of an operation that the caller did not ask for
	}
	return fmt.Errorf("metrics: %s: %w", op, err)
}

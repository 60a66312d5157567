package drive

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socket is the descriptor of a connection of a loop, as a net.Conn. Only its loop
// closes it. Read, Write and their deadlines are for the worker that holds the
// connection; they wait through the loop. All others end the connection by Close, and
// may read options of the socket by SyscallConn.
type socket struct {
	held *hold // nil: the loop has the connection

	local atomic.Pointer[net.Addr] // kept, because each transfer asks for it; nil: nobody has asked yet

	mu    sync.Mutex // guards the fields below
	fd    int32      // -1: closed
	isCut bool       // by Close
}

// hold is what a worker needs to wait for a connection that it holds.
type hold struct{ read, write waiter }

// waiter is one direction of a connection.
type waiter struct {
	ready chan struct{} // buffers one

	mu        sync.Mutex // guards the fields below
	deadline  time.Time  // zero: none
	isWaiting bool
}

func newHold() *hold {
	return &hold{waiter{ready: make(chan struct{}, 1)}, waiter{ready: make(chan struct{}, 1)}}
}

// signal wakes the worker if it waits for an event.
func (h *hold) signal(events uint32) {
	if events&^unix.EPOLLOUT != 0 {
		wake(h.read.ready)
	}
	if events&^unix.EPOLLIN != 0 {
		wake(h.write.ready)
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Close makes everything that is done to the connection fail, and the loop close it.
func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isCut = true
	if s.fd >= 0 {
		_ = unix.Shutdown(int(s.fd), unix.SHUT_RDWR)
	}
	return nil
}

// wasCut reports whether Close was called.
func (s *socket) wasCut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isCut
}

// take returns the descriptor to the loop, which closes it. The socket has none
// afterwards.
func (s *socket) take() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	fd := int(s.fd)
	s.fd = -1
	return fd
}

// CloseWrite ends our side.
func (s *socket) CloseWrite() (err error) {
	if controlErr := s.raw().Control(func(fd uintptr) { err = unix.Shutdown(int(fd), unix.SHUT_WR) }); controlErr != nil {
		return controlErr
	}
	return os.NewSyscallError("shutdown", err)
}

// SetLinger makes close(2) reset the connection if sec is 0.
func (s *socket) SetLinger(sec int) (err error) {
	linger := unix.Linger{Onoff: 1, Linger: int32(sec)}
	if controlErr := s.raw().Control(func(fd uintptr) {
		err = unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &linger)
	}); controlErr != nil {
		return controlErr
	}
	return os.NewSyscallError("setsockopt", err)
}

// Read implements net.Conn for a worker.
func (s *socket) Read(p []byte) (n int, err error) {
	waitErr := s.raw().Read(func(fd uintptr) bool {
		n, err = ignoringEINTR(func() (int, error) { return syscall.Read(int(fd), p) })
		return err != unix.EAGAIN
	})
	switch {
	case waitErr != nil:
		return 0, waitErr
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write implements net.Conn for a worker.
func (s *socket) Write(p []byte) (done int, err error) {
	for done < len(p) {
		n := 0
		waitErr := s.raw().Write(func(fd uintptr) bool {
			n, err = ignoringEINTR(func() (int, error) { return unix.SendmsgN(int(fd), p[done:], nil, nil, unix.MSG_NOSIGNAL) })
			return err != unix.EAGAIN
		})
		if waitErr != nil {
			return done, waitErr
		}
		if err != nil {
			return done, os.NewSyscallError("write", err)
		}
		done += n
	}
	return done, nil
}

func ignoringEINTR(call func() (int, error)) (n int, err error) {
	for {
		if n, err = call(); err != unix.EINTR {
			return n, err
		}
	}
}

// The addresses of the socket.

func (s *socket) LocalAddr() net.Addr {
	if known := s.local.Load(); known != nil {
		return *known
	}
	a := s.addr(unix.Getsockname)
	if a != nil {
		s.local.Store(&a)
	}
	return a
}

func (s *socket) RemoteAddr() net.Addr { return s.addr(unix.Getpeername) }

// addr returns nil if the socket is closed.
func (s *socket) addr(get func(fd int) (unix.Sockaddr, error)) net.Addr {
	var sa unix.Sockaddr
	_ = s.raw().Control(func(fd uintptr) { sa, _ = get(int(fd)) })
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)))
	case *unix.SockaddrInet6:
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port)))
	case *unix.SockaddrUnix:
		return &net.UnixAddr{Name: sa.Name, Net: "unix"}
	}
	return nil
}

// SetDeadline and the other two are for the worker that holds the connection.
func (s *socket) SetDeadline(t time.Time) error {
	_ = s.SetReadDeadline(t)
	return s.SetWriteDeadline(t)
}

func (s *socket) SetReadDeadline(t time.Time) error {
	if h := s.held; h != nil {
		h.read.setDeadline(t)
	}
	return nil
}

func (s *socket) SetWriteDeadline(t time.Time) error {
	if h := s.held; h != nil {
		h.write.setDeadline(t)
	}
	return nil
}

// setDeadline wakes the worker if it waits, so that it sees the deadline. A worker that
// sets it before a wait does not wake itself.
func (w *waiter) setDeadline(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = t
	if w.isWaiting {
		wake(w.ready)
	}
}

// wait waits until something has happened, or until the deadline, which is an error.
func (w *waiter) wait() error {
	w.mu.Lock()
	deadline := w.deadline
	w.isWaiting = true
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.isWaiting = false
		w.mu.Unlock()
	}()
	if deadline.IsZero() {
		<-w.ready
		return nil
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-w.ready:
	case <-timer.C:
	}
	return w.check()
}

// check returns an error if the deadline is over.
func (w *waiter) check() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.deadline.IsZero() && !time.Now().Before(w.deadline) {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// SyscallConn implements syscall.Conn.
func (s *socket) SyscallConn() (syscall.RawConn, error) { return s.raw(), nil }

func (s *socket) raw() *rawSocket { return (*rawSocket)(s) }

// rawSocket is a socket as a syscall.RawConn.
type rawSocket socket

// Control calls f with the descriptor, which is not closed meanwhile. f must not wait.
func (r *rawSocket) Control(f func(fd uintptr)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fd < 0 {
		return net.ErrClosed
	}
	f(uintptr(r.fd))
	return nil
}

// Read calls f, which returns false if it has to wait for bytes, until it returns true.
// It is for the worker that holds the connection.
func (r *rawSocket) Read(f func(fd uintptr) bool) error { return r.until(f, &r.held.read) }

// Write is Read for an f that waits for room.
func (r *rawSocket) Write(f func(fd uintptr) bool) error { return r.until(f, &r.held.write) }

// until calls f until it returns true, each time that something has happened. The
// descriptor cannot be closed meanwhile, because the worker holds the connection.
func (r *rawSocket) until(f func(fd uintptr) bool, w *waiter) error {
	err := w.check()
	for err == nil {
		switch {
		case (*socket)(r).wasCut():
			return net.ErrClosed
		case f(uintptr(r.fd)):
			return nil
		}
		err = w.wait()
	}
	return err
}

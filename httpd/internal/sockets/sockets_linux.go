package sockets

import (
	"errors"
	"net"
	"os"
	"reflect"
	"syscall"

	"golang.org/x/sys/unix"

	"sluice/internal/loopback"
)

// Supported reports whether this system has event loops.
const Supported = true

// The keep-alive of package net: probes after 15 seconds of silence, and an end after
// nine without an answer.
const (
	keepAliveIdle     = 15 // seconds
	keepAliveInterval = 15 // seconds
	keepAliveProbes   = 9
)

// Control returns the Control of a net.ListenConfig whose accepted connections inherit
// the options that package net would set on them. With reusePort, other sockets of this
// user with SO_REUSEPORT may share the address.
func Control(reusePort bool) func(network, address string, c syscall.RawConn) error {
	return func(network, address string, c syscall.RawConn) (err error) {
		if e := c.Control(func(fd uintptr) {
			setInherited(int(fd))
			if reusePort {
				err = os.NewSyscallError("setsockopt", shareAddress(int(fd)))
			}
		}); e != nil {
			return e
		}
		return errors.Join(err, loopback.Control(network, address, c))
	}
}

// setInherited sets the options that accepted TCP connections inherit. Like package
// net, it goes on without an option that the system refuses.
func setInherited(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAliveIdle)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepAliveInterval)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAliveProbes)
}

// shareAddress lets other sockets of this user with SO_REUSEPORT share the address.
func shareAddress(fd int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
}

// Detach takes the socket of a *net.TCPListener or *net.UnixListener out of the poller
// of the runtime and closes ln. The path of a unix socket stays; unlink reports whether
// ln would have removed it. The caller closes fd. If Detach fails, ln is as before; the
// error is errors.ErrUnsupported for all other listeners, also if they embed one of these.
func Detach(ln net.Listener) (fd int, unlink bool, err error) {
	var c syscall.RawConn
	switch ln := ln.(type) {
	case *net.TCPListener:
		c, err = ln.SyscallConn()
	case *net.UnixListener:
		if ln.Addr().Network() != "unix" {
			return -1, false, errors.ErrUnsupported // seqpacket
		}
		c, err = ln.SyscallConn()
	default:
		return -1, false, errors.ErrUnsupported
	}
	if err != nil {
		return -1, false, err
	}
	if e := c.Control(func(old uintptr) {
		fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
	}); e != nil {
		return -1, false, e
	}
	if err != nil {
		return -1, false, os.NewSyscallError("fcntl", err)
	}
	switch ln := ln.(type) {
	case *net.TCPListener:
		setInherited(fd)
	case *net.UnixListener:
		unlink = unlinksOnClose(ln)
		ln.SetUnlinkOnClose(false)
	}
	_ = ln.Close() // the socket listens on: fd is the same
	return fd, unlink, nil
}

// unlinksOnClose reports whether Close of ln would remove the path. Package net has no
// method that says so, and a path that belongs to systemd must stay.
func unlinksOnClose(ln *net.UnixListener) bool {
	unlink := reflect.ValueOf(ln).Elem().FieldByName("unlink")
	isPath := ln.Addr().String() != "" && ln.Addr().String()[0] != '@'
	return isPath && (!unlink.IsValid() || unlink.Bool())
}

// Siblings makes n further sockets on the address of a listening TCP socket, which from
// then on other sockets of this user can share. The siblings get connections after
// StartListening. The error is EADDRINUSE on a system that cannot do that.
func Siblings(first, n int) (fds []int, err error) {
	if n == 0 {
		return nil, nil
	}
	defer func() {
		if err != nil {
			Close(fds)
			fds = nil
		}
	}()
	addr, err := unix.Getsockname(first)
	if err != nil {
		return nil, os.NewSyscallError("getsockname", err)
	}
	if err := shareAddress(first); err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	for len(fds) < n {
		fd, err := bindSibling(first, addr)
		if err != nil {
			return fds, err
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

// bindSibling makes one socket on an address.
func bindSibling(first int, addr unix.Sockaddr) (fd int, err error) {
	family := unix.AF_INET
	if _, ok := addr.(*unix.SockaddrInet6); ok {
		family = unix.AF_INET6
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	setInherited(fd)
	if name, err := unix.GetsockoptString(first, unix.IPPROTO_TCP, unix.TCP_CONGESTION); err == nil {
		_ = unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, name) // package loopback may have chosen it
	}
	for _, option := range []struct{ level, name int }{
		{unix.SOL_SOCKET, unix.SO_REUSEADDR},
		{unix.SOL_SOCKET, unix.SO_REUSEPORT},
		{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY},
	} {
		if option.level == unix.IPPROTO_IPV6 && family != unix.AF_INET6 {
			continue
		}
		value, err := unix.GetsockoptInt(first, option.level, option.name)
		if err == nil {
			err = unix.SetsockoptInt(fd, option.level, option.name, value)
		}
		if err != nil {
			_ = unix.Close(fd)
			return -1, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(fd, addr); err != nil {
		_ = unix.Close(fd)
		return -1, os.NewSyscallError("bind", err)
	}
	return fd, nil
}

// backlog is the longest queue that package net asks for. The kernel makes it
// net.core.somaxconn if that is less.
const backlog = 1<<16 - 1

// StartListening makes the kernel distribute connections to fds too. It may be called
// again.
func StartListening(fds []int) error {
	for _, fd := range fds {
		if err := unix.Listen(fd, backlog); err != nil {
			return os.NewSyscallError("listen", err)
		}
	}
	return nil
}

// Attach returns a listener of package net for a listening socket. If it succeeds, fd
// is closed.
func Attach(fd int) (net.Listener, error) {
	// net.FileListener duplicates the descriptor of a file, and only that.
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	f := os.NewFile(uintptr(own), "listener")
	ln, err := net.FileListener(f)
	_ = f.Close()
	if err == nil {
		_ = unix.Close(fd)
	}
	return ln, err
}

// Close closes sockets. It resets the connections in their queues.
func Close(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}

// SetDeferAccept makes the kernel hold a new connection of a TCP socket back until the
// client has sent something, or for about a second.
func SetDeferAccept(fd int, on bool) error {
	seconds := 0
	if on {
		seconds = 1
	}
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, seconds))
}

package drive

import (
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// accept accepts connections, and answers the requests that have come with them. It
// returns false if the thread was replaced.
func (t *thread) accept(listener int) bool {
	l := t.loop
	for range maxAccept {
		fd, remote, err := acceptRaw(listener)
		switch {
		case err == 0:
			if !t.admit(fd, remote) {
				return false
			}
		case err == unix.EAGAIN:
			return true
		case err == unix.EMFILE, err == unix.ENFILE:
			if !l.set.config.DropIdle() && !l.set.spare.Free() {
				l.pauseAccept()
				return true
			}
		case err == unix.EINTR, err == unix.ECONNABORTED:
		default:
			l.pauseAccept() // ENOBUFS, ENOMEM and the like
			return true
		}
	}
	return true
}

// acceptPause is how long a loop does not accept when the system has no room.
const acceptPause = 5 * time.Millisecond

// pauseAccept takes the listeners out of the epoll set for a moment.
func (l *loop) pauseAccept() {
	for _, fd := range l.listeners {
		_ = unix.EpollCtl(l.ep, unix.EPOLL_CTL_DEL, fd, nil)
	}
	time.AfterFunc(acceptPause, func() { l.mail.post(message{kind: resumeAccepting}) })
}

// acceptRaw accepts a connection. It cannot wait.
func acceptRaw(listener int) (fd int, remote netip.AddrPort, err syscall.Errno) {
	var sa unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	n, _, err := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)),
		unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if err != 0 {
		return -1, remote, err
	}
	switch sa.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(&sa))
		remote = netip.AddrPortFrom(netip.AddrFrom4(in.Addr), bigEndian(&in.Port))
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(&sa))
		remote = netip.AddrPortFrom(netip.AddrFrom16(in.Addr).Unmap(), bigEndian(&in.Port))
	}
	return int(n), remote, 0
}

// bigEndian returns a port, which is in the order of the network.
func bigEndian(port *uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(port))
	return uint16(b[0])<<8 | uint16(b[1])
}

// admit serves an accepted connection. It returns false if the thread was replaced.
func (t *thread) admit(fd int, remote netip.AddrPort) bool {
	l := t.loop
	l.counts.accepted.Add(1)
	c := l.newConn(fd, remote, t.clock)
	if c == nil {
		return true
	}
	if other := l.set.leastLoaded(l); other != l && other.mail.post(message{kind: adopted, conn: c}) {
		return true
	}
	l.add(c)
	return t.serveNow(c)
}

// newConn returns an accepted connection that has entered the registry. It returns nil if
// a worker has it: to read what a proxy sends first, or to refuse it.
func (l *loop) newConn(fd int, remote netip.AddrPort, now time.Time) *conn {
	c := &conn{isReadable: true}
	c.sock.fd = int32(fd)
	c.net.Init(&c.sock, remote)
	config := &l.set.config
	switch {
	case config.IsProxy(remote):
		l.giveTo(c, l.prepare)
	case !l.set.spare.Take() || config.Enter(&c.net, now) != nil:
		l.giveTo(c, l.refuse)
	default:
		c.net.SetMinRate(config.MinRate, config.Window)
		return c
	}
	return nil
}

// giveTo takes a connection into the loop and makes a worker do something with it.
func (l *loop) giveTo(c *conn, do func(c *conn)) {
	l.add(c)
	if !l.watchFor(c) {
		l.close(c)
		return
	}
	l.hold(c)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				l.set.config.Panicked(&c.net, r)
				l.mail.post(message{kind: returned, conn: c, next: ends})
			}
		}()
		do(c)
	}()
}

// closeListeners accepts what has come, and accepts nothing more.
func (l *loop) closeListeners() {
	listeners := l.listeners
	l.listeners = nil
	for _, fd := range listeners {
		l.acceptRest(fd)
		_ = unix.EpollCtl(l.ep, unix.EPOLL_CTL_DEL, fd, nil)
	}
	if len(listeners) > 0 && l.set.accepting.Add(-1) == 0 {
		l.set.release()
	}
}

// acceptRest accepts the connections that wait for it, so that they are answered and not
// reset.
func (l *loop) acceptRest(listener int) {
	for {
		fd, remote, err := acceptRaw(listener)
		switch err {
		case 0:
		case unix.EINTR, unix.ECONNABORTED:
			continue
		case unix.EMFILE, unix.ENFILE:
			if l.set.config.DropIdle() || l.set.spare.Free() {
				continue
			}
			return
		default:
			return
		}
		if c := l.newConn(fd, remote, time.Now()); c != nil {
			l.add(c)
			c.place = queued
			l.next = append(l.next, c)
		}
	}
}

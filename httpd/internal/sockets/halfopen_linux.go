package sockets

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"sluice/metrics"
)

// HalfOpen returns how many connections to the TCP sockets fds, which share an address,
// have begun and are not in the queues for accept: the client has not acknowledged the
// first packet, or has sent nothing yet and SetDeferAccept is on. room is how many fit
// in all queues together. ok is false if the kernel does not say.
//
// No option of a socket and no counter has this figure. The kernel walks all TCP
// connections of the host to count them, which takes milliseconds: the thread of an event
// loop should leave it to another. A loop can know without it that there are few: each
// silent client is held back for a second, so that there are about as many as were
// accepted without data in the last second.
func HalfOpen(fds []int) (n, room int, ok bool) {
	queues, err := Backlog(fds)
	if err != nil {
		return 0, 0, false
	}
	local, ok := localAddr(fds[0])
	if !ok {
		return 0, 0, false
	}
	for c, err := range (metrics.Host{}).Connections(metrics.Filter{
		States: metrics.States(metrics.SynRecv), LocalPort: local.Port(),
	}) {
		if err != nil {
			return 0, 0, false
		}
		if local.Addr().IsUnspecified() || local.Addr() == c.Local.Addr().Unmap() {
			n++
		}
	}
	return n, queues.Limit, true
}

// localAddr returns the address of a TCP socket.
func localAddr(fd int) (local netip.AddrPort, ok bool) {
	addr, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, false
	}
	switch addr := addr.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(addr.Addr), uint16(addr.Port)), true
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(addr.Addr).Unmap(), uint16(addr.Port)), true
	}
	return netip.AddrPort{}, false
}

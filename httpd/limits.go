package httpd

import (
	"net"
	"net/netip"
	"sync"
)

// limits counts connections.
type limits struct {
	most, mostPerAddr int // zero: any number

	mu     sync.Mutex // guards the fields below
	all    int
	byAddr map[netip.Addr]int
}

// enter counts a connection unless there are too many already.
func (l *limits) enter(addr netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most > 0 && l.all >= l.most {
		return false
	}
	if l.mostPerAddr > 0 && addr.IsValid() {
		if l.byAddr[addr] >= l.mostPerAddr {
			return false
		}
		if l.byAddr == nil {
			l.byAddr = make(map[netip.Addr]int)
		}
		l.byAddr[addr]++
	}
	l.all++
	return true
}

// leave takes back an enter that was allowed.
func (l *limits) leave(addr netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.mostPerAddr > 0 && addr.IsValid() {
		if l.byAddr[addr]--; l.byAddr[addr] == 0 {
			delete(l.byAddr, addr)
		}
	}
}

// countedAs returns the address under which a client is counted. One who has
// an address of IPv6 has 2^64 of them, which count as one. It is not valid for
// those who have none, such as clients of a unix socket.
func countedAs(a net.Addr) netip.Addr {
	addr := ipOf(a)
	if addr.Is6() {
		prefix, _ := addr.Prefix(64) // fails for no length that an address has
		return prefix.Addr()
	}
	return addr
}

// ipOf returns the address of a TCP client, and one that is not valid of any
// other.
func ipOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

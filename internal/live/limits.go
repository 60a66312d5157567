package live

import (
	"errors"
	"net"
	"net/netip"
)

// The errors of Enter and SetUser.
var (
	ErrTooMany         = errors.New("too many connections")
	ErrTooManyFromAddr = errors.New("too many connections from one address")
	ErrTooManyOfUser   = errors.New("too many connections of one user")
)

// ClientAddr returns the address under which the client at a counts: its own of
// IPv4, and of IPv6 the first of its network of 64 bits, of which one client
// has all. Zones and IPv4 within IPv6 make no difference. It is not valid where
// there is no TCP address.
func ClientAddr(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	if addr.Is6() {
		prefix, _ := addr.Prefix(64) // fails for no length that an address has
		return prefix.Addr()
	}
	return addr
}

// crowd counts sessions, in all and by client.
type crowd struct {
	n      int
	byAddr map[netip.Addr]int
}

// add counts sessions of a client; by is negative for those that leave.
func (c *crowd) add(addr netip.Addr, by int) {
	c.n += by
	if addr.IsValid() {
		change(&c.byAddr, addr, by)
	}
}

// check returns why there is no room for one more session. A limit of zero is
// none.
func (c *crowd) check(addr netip.Addr, limit, perAddr int) error {
	switch {
	case limit > 0 && c.n >= limit:
		return ErrTooMany
	case perAddr > 0 && addr.IsValid() && c.byAddr[addr] >= perAddr:
		return ErrTooManyFromAddr
	}
	return nil
}

// change adds to a count, and keeps no zeros.
func change[K comparable](counts *map[K]int, k K, by int) {
	if *counts == nil {
		*counts = make(map[K]int)
	}
	if (*counts)[k] += by; (*counts)[k] == 0 {
		delete(*counts, k)
	}
}

// checkLocked returns why a session may not enter.
func (r *Registry) checkLocked(s *Session) error {
	err := r.everybody.check(s.addr, r.MaxConns, r.MaxConnsPerAddr)
	if err == nil && s.entered.IsFTP() {
		err = r.ftp.check(s.addr, r.MaxFTPConns, r.MaxFTPConnsPerAddr)
	}
	return err
}

// countLocked counts a session: by 1 when it enters, by -1 when it leaves.
func (r *Registry) countLocked(s *Session, by int) {
	r.everybody.add(s.addr, by)
	if s.entered.IsFTP() {
		r.ftp.add(s.addr, by)
	}
}

// countUserLocked counts a session as that of a user; "" is nobody.
func (r *Registry) countUserLocked(user string, by int) {
	if user != "" {
		change(&r.byUser, user, by)
	}
}

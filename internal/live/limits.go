package live

import (
	"errors"
	"net"
	"net/netip"

	"sluice/internal/account"
)

// The errors of Enter and SetUser.
var (
	ErrTooMany         = errors.New("too many connections")
	ErrTooManyFromAddr = errors.New("too many connections from one address")
	ErrTooManyOfUser   = errors.New("too many connections of one user")
)

// ClientAddr returns the address by which limits count the client at a: the IPv4
// address, or the /64 network of an IPv6 address, because one client usually has
// all of it. IPv4-mapped addresses are IPv4; zones are ignored. It is the zero Addr
// if a is not a TCP address.
func ClientAddr(a net.Addr) netip.Addr {
	return account.NetworkOf(AddrPortOf(a).Addr())
}

// counter counts sessions, in total and, for a limit of one address, by address.
type counter struct {
	n      int
	byAddr map[netip.Addr]int
}

// add adds by, which may be negative, to the sessions of a client.
func (c *counter) add(addr netip.Addr, by int) {
	c.n += by
	if addr.IsValid() {
		addTo(&c.byAddr, addr, by)
	}
}

// check returns an error if one more session exceeds a limit. Zero means no limit.
func (c *counter) check(addr netip.Addr, limit, perAddr int) error {
	switch {
	case limit > 0 && c.n >= limit:
		return ErrTooMany
	case perAddr > 0 && addr.IsValid() && c.byAddr[addr] >= perAddr:
		return ErrTooManyFromAddr
	}
	return nil
}

// addTo adds to a count and removes it when it is zero.
func addTo[K comparable](counts *map[K]int, k K, by int) {
	if *counts == nil {
		*counts = make(map[K]int)
	}
	if n := (*counts)[k] + by; n != 0 {
		(*counts)[k] = n
	} else {
		delete(*counts, k)
	}
}

// checkLocked returns an error if the limits refuse a session.
func (r *Registry) checkLocked(s *Session) error {
	err := r.active.check(s.addrFor(r.MaxConnsPerAddr), r.MaxConns, r.MaxConnsPerAddr)
	if err == nil && s.counted.IsFTP() {
		err = r.activeFTP.check(s.addrFor(r.MaxFTPConnsPerAddr), r.MaxFTPConns, r.MaxFTPConnsPerAddr)
	}
	return err
}

// countLocked adds by to the counters of a session: 1 in Enter, -1 in Leave.
func (r *Registry) countLocked(s *Session, by int) {
	r.active.add(s.addrFor(r.MaxConnsPerAddr), by)
	if s.counted.IsFTP() {
		r.activeFTP.add(s.addrFor(r.MaxFTPConnsPerAddr), by)
	}
}

// addrFor returns the address by which a limit of sessions per address counts the
// client. It is the zero Addr if there is no limit: counts that nobody reads would
// take memory for each address.
func (s *Session) addrFor(limit int) netip.Addr {
	if limit <= 0 || s.flags&shared != 0 {
		return netip.Addr{}
	}
	return account.NetworkOf(s.addr)
}

// countUserLocked adds by to the sessions of a user; "" is no user.
func (r *Registry) countUserLocked(user string, by int) {
	if user != "" {
		addTo(&r.byUser, user, by)
	}
}

package metrics

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// peers returns the Peer of each of ends; Have is 0 for those without a socket here.
func (h Host) peers(ends []Ends) ([]Peer, error) {
	d, err := openDiag()
	if err != nil {
		return nil, err
	}
	defer d.close()
	peers := make([]Peer, len(ends))
	users := make(map[uint32]bool)
	missing := false
	for i, e := range ends {
		switch p, err := d.peer(unmapped(e.Remote), unmapped(e.Local)); {
		case err == nil:
			peers[i] = p
			users[p.UID] = true
		case errors.Is(err, unix.ENOENT):
			missing = true
		case !errors.Is(err, ErrNoPeer):
			return nil, err
		}
	}
	if missing {
		// ENOENT also means that the module tcp_diag is missing. A dump, which
		// needs the module too, fails then.
		if err := d.dump(Filter{States: States(Listen)}, func([]byte) bool { return false }); err != nil {
			return nil, err
		}
	}
	h.addOwners(peers, users)
	return peers, nil
}

// peer returns the socket with these addresses. The error is ENOENT if the kernel
// has none, or lacks the module tcp_diag.
func (d *diag) peer(local, remote netip.AddrPort) (p Peer, err error) {
	found := false
	var request diagRequest
	err = d.query(request.forOne(local, remote), func(payload []byte) bool {
		var buf diagBuffer
		p.CgroupID, found = parseDiag(payload, ProtocolTCP, &p.Connection, &buf)
		return false
	})
	switch {
	case err != nil:
		return Peer{}, err
	case !found:
		return Peer{}, errMalformed
	case unmapped(p.Remote) != withoutZone(remote): // the kernel has found a listener instead
		return Peer{}, ErrNoPeer
	}
	p.TCP.At = d.answeredAt
	return p, nil
}

// addOwners sets the PID of each peer to the lowest one that has the socket open,
// among processes of these users.
func (h Host) addOwners(peers []Peer, users map[uint32]bool) {
	if len(users) == 0 {
		return
	}
	owners := make(map[uint64]int)
	var s Snapshot
	for p, err := range h.Processes() {
		if err != nil {
			break
		}
		if p.Read(&s, FieldOwner) == nil && s.Have.Has(FieldOwner) && (users[s.Owner.EUID] || users[s.Owner.UID]) {
			_ = p.addSockets(owners)
		}
	}
	for i := range peers {
		p := &peers[i]
		if pid, ok := owners[p.Inode]; ok && p.Have.Has(ConnectionInode) {
			p.PID = pid
			p.Have |= ConnectionPID
		}
	}
}

// withoutZone returns the address without its zone, as the kernel reports it.
func withoutZone(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().WithZone(""), a.Port())
}

package metrics

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// peer looks for the socket that has these addresses.
func (h Host) peer(local, remote netip.AddrPort) (Peer, error) {
	d, err := openDiag()
	if err != nil {
		return Peer{}, err
	}
	defer d.close()
	var p Peer
	found := false
	var request diagRequest
	err = d.ask(request.one(local, remote), func(payload []byte) bool {
		var info tcpInfo
		p.CgroupID, found = parseDiag(payload, &p.Connection, &info)
		return false
	})
	switch {
	case errors.Is(err, unix.ENOENT):
		// There is none, if there is somebody to answer for TCP at all.
		if err := d.dump(Filter{States: States(Listen)}, func([]byte) bool { return false }); err != nil {
			return Peer{}, err
		}
		return Peer{}, ErrNoPeer
	case err == nil && !found:
		return Peer{}, errMalformed
	case err != nil:
		return Peer{}, err
	}
	p.TCP.At = d.told
	// The kernel may have found a listener instead.
	if unmapped(p.Remote) != withoutZone(remote) {
		return Peer{}, ErrNoPeer
	}
	if p.Have.Has(ConnectionInode) {
		if pid, ok := h.socketOwner(p.Inode, p.UID); ok {
			p.PID = pid
			p.Have |= ConnectionPID
		}
	}
	return p, nil
}

// socketOwner returns the lowest PID that has a socket open, of the processes
// that are the user's.
func (h Host) socketOwner(inode uint64, uid uint32) (pid int, ok bool) {
	owners := make(map[uint64]int)
	var s Snapshot
	for p, err := range h.Processes() {
		if err != nil {
			break
		}
		if p.Read(&s, FieldOwner) == nil && s.Have.Has(FieldOwner) && (s.Owner.EUID == uid || s.Owner.UID == uid) {
			_ = p.addSockets(owners)
		}
	}
	pid, ok = owners[inode]
	return pid, ok
}

// withoutZone is how the kernel tells an address.
func withoutZone(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().WithZone(""), a.Port())
}

package metrics

import (
	"fmt"
	"net/netip"
)

// A Peer is the other end of a connection within this host.
type Peer struct {
	Connection        // the socket at the other end, with TCP filled in
	CgroupID   uint64 // inode of the directory of its cgroup, which belongs to a service or container; 0: unknown
}

// Peer returns the other end of the TCP connection that has the addresses local and
// remote at this end, if that other end is on this host and in this network
// namespace.
//
// It asks the kernel for that socket only. To find its PID it reads the descriptors
// of all processes of the socket's user, which takes some milliseconds. PID is
// absent if this process may not read those descriptors.
//
// The error is ErrNoPeer if there is no such socket, as for a client on another
// host. It is errors.ErrUnsupported on systems other than Linux, or if the kernel
// lacks the module tcp_diag.
func (h Host) Peer(local, remote netip.AddrPort) (Peer, error) {
	peers, err := h.peers([]Ends{{local, remote}})
	if err == nil && peers[0].Have == 0 {
		err = ErrNoPeer
	}
	if err != nil {
		return Peer{}, fmt.Errorf("metrics: peer %v: %w", remote, err)
	}
	return peers[0], nil
}

// Ends are the local and remote address of a connection, as seen from this end.
type Ends struct{ Local, Remote netip.AddrPort }

// Peers returns the Peer of each of ends, in the same order. It reads the
// descriptors of processes only once. The Have of a Peer is 0 if there is no such
// socket. The error is errors.ErrUnsupported in the same cases as for Peer.
func (h Host) Peers(ends []Ends) ([]Peer, error) {
	peers, err := h.peers(ends)
	if err != nil {
		return nil, fmt.Errorf("metrics: peers: %w", err)
	}
	return peers, nil
}

// unmapped returns a with an IPv4 address if it has an IPv4-mapped IPv6 address,
// as sockets for both versions of IP do.
func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

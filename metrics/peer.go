package metrics

import (
	"fmt"
	"net/netip"
)

// A Peer is who holds the other end of a connection, on the same host.
type Peer struct {
	Connection        // the socket at the other end, its TCP filled in
	CgroupID   uint64 // inode of its cgroup's directory, which names a service or a container; 0: not told
}

// Peer names who holds the other end of the TCP connection that has these
// addresses at this end, if it is on this host and in this network namespace.
// It asks for that socket alone, and then, for PID, looks through the
// descriptors of the processes of its user: some milliseconds. PID is not in
// Have if none of them shows it to this process.
//
// The error is ErrNoPeer if there is no such socket, as for a client on
// another host, and errors.ErrUnsupported elsewhere than on Linux, or if the
// kernel lacks the module tcp_diag.
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

// Ends are the addresses that a connection has at this end.
type Ends struct{ Local, Remote netip.AddrPort }

// Peers does for each of ends what Peer does, and looks through the
// descriptors of processes once for all of them. A Peer that there is not has
// nothing in Have. The error is errors.ErrUnsupported as that of Peer is.
func (h Host) Peers(ends []Ends) ([]Peer, error) {
	peers, err := h.peers(ends)
	if err != nil {
		return nil, fmt.Errorf("metrics: peers: %w", err)
	}
	return peers, nil
}

// unmapped returns the IPv4 address that a socket for both versions of IP shows
// as one of IPv6.
func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

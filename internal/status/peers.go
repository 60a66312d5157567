package status

import (
	"net/netip"

	"sluice/metrics"
)

// Peer is the process of a client that runs on the server's host.
type Peer struct {
	PID      *int    `json:"pid,omitempty"` // absent: not reported to this process
	UID      *uint32 `json:"uid,omitempty"`
	CgroupID uint64  `json:"cgroup_id,omitempty"` // inode of its cgroup's directory
}

// AddPeers sets Peer of the sessions whose client connects by TCP from this
// host, where the system reports it (Linux). It scans the descriptors of the
// clients' users once, which takes some milliseconds.
func (st *Snapshot) AddPeers() {
	var (
		ends []metrics.Ends
		of   []*Session
	)
	for i := range st.Sessions {
		s := &st.Sessions[i]
		local, err := netip.ParseAddrPort(s.Local)
		if err != nil {
			continue
		}
		remote, err := netip.ParseAddrPort(s.Remote)
		if err != nil || !remote.Addr().IsLoopback() && remote.Addr() != local.Addr() {
			continue
		}
		ends, of = append(ends, metrics.Ends{Local: local, Remote: remote}), append(of, s)
	}
	peers, err := metrics.Host{}.Peers(ends)
	if err != nil {
		return
	}
	for i := range peers {
		if peers[i].Have != 0 {
			of[i].Peer = newPeer(&peers[i])
		}
	}
}

func newPeer(p *metrics.Peer) *Peer {
	found := &Peer{CgroupID: p.CgroupID}
	if p.Have.Has(metrics.ConnectionPID) {
		found.PID = &p.PID
	}
	if p.Have.Has(metrics.ConnectionUID) {
		found.UID = &p.UID
	}
	return found
}

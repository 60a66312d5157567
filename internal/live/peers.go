package live

import (
	"net/netip"

	"sluice/metrics"
)

// Peer is the process of a client on this host.
type Peer struct {
	PID      *int    `json:"pid,omitempty"` // absent: none is told to us
	UID      *uint32 `json:"uid,omitempty"`
	CgroupID uint64  `json:"cgroup_id,omitempty"` // inode of the directory of its cgroup
}

// AddPeers finds the processes of those clients by TCP that are on this host,
// where the system tells (Linux). For that it looks once through the
// descriptors of the processes of their users, which takes some milliseconds.
func (st *Status) AddPeers() {
	var (
		ends []metrics.Ends
		of   []*SessionStatus
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

package live

import (
	"context"
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
// where the system tells (Linux). It takes some milliseconds for each, and ends
// with ctx.
func (st *Status) AddPeers(ctx context.Context) {
	for i := range st.Sessions {
		if ctx.Err() != nil {
			return
		}
		s := &st.Sessions[i]
		local, err := netip.ParseAddrPort(s.Local)
		if err != nil {
			continue
		}
		remote, err := netip.ParseAddrPort(s.Remote)
		if err != nil || !remote.Addr().IsLoopback() && remote.Addr() != local.Addr() {
			continue
		}
		if p, err := (metrics.Host{}).Peer(local, remote); err == nil {
			s.Peer = newPeer(&p)
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

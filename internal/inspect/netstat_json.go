package inspect

import (
	"sluice/internal/status"
	"sluice/metrics"
)

// SocketRow is an element of "netstat --json", and of the connections of
// "procinfo --json".
type SocketRow struct {
	Protocol  string  `json:"protocol"`         // "tcp", "tcp6", "udp", "udp6" or "unix"
	Local     string  `json:"local,omitempty"`  // absent: a unix socket
	Remote    string  `json:"remote,omitempty"` // absent: a listener, or a UDP socket that is not connected
	State     string  `json:"state,omitempty"`  // absent: a socket of UDP or unix that is not connected
	Type      string  `json:"type,omitempty"`   // of a unix socket: "stream", "dgram" or "seqpacket"
	Path      string  `json:"path,omitempty"`   // of a unix socket; absent: not bound
	PeerInode *uint64 `json:"peer_inode,omitempty"`
	RecvQueue *uint32 `json:"recv_queue,omitempty"`
	SendQueue *uint32 `json:"send_queue,omitempty"`
	Drops     *uint64 `json:"drops,omitempty"` // only with --listening, and of UDP
	UID       *uint32 `json:"uid,omitempty"`
	Inode     *uint64 `json:"inode,omitempty"`
	PID       *int    `json:"pid,omitempty"`
	Program   string  `json:"program,omitempty"`
	Cause     string  `json:"cause,omitempty"` // what limited it between the two samples

	TCP *status.TCP `json:"tcp,omitempty"` // as in /status.json; absent: not wanted
}

// SocketRows converts sockets for JSON. It is never nil.
func SocketRows(all []Socket) []SocketRow {
	rows := []SocketRow{}
	for i := range all {
		s := &all[i]
		row := SocketRow{
			Protocol: protocol(s), Local: s.Local.String(), State: s.state(), Program: s.Program,
			RecvQueue: ifKnown(s, metrics.ConnectionQueues, &s.RecvQueue), SendQueue: ifKnown(s, metrics.ConnectionQueues, &s.SendQueue),
			Drops: ifKnown(s, metrics.ConnectionDrops, &s.Drops),
			UID:   ifKnown(s, metrics.ConnectionUID, &s.UID), Inode: ifKnown(s, metrics.ConnectionInode, &s.Inode), PID: ifKnown(s, metrics.ConnectionPID, &s.PID),
		}
		if !s.isOpen() {
			row.Remote = s.Remote.String()
			if s.Have.Has(metrics.ConnectionTCP) {
				row.TCP = status.NewTCP(&s.TCP)
			}
		}
		if s.Cause != metrics.CauseUnknown {
			row.Cause = s.Cause.String()
		}
		rows = append(rows, row)
	}
	return rows
}

// UnixRows converts unix sockets for JSON.
func UnixRows(all []UnixSocket) []SocketRow {
	var rows []SocketRow
	for i := range all {
		s := &all[i]
		row := SocketRow{
			Protocol: "unix", State: s.state(), Type: s.Type.String(), Path: s.Path, Inode: &s.Inode, Program: s.Program,
		}
		if s.Have.Has(metrics.UnixPeer) {
			row.PeerInode = &s.Peer
		}
		if s.Have.Has(metrics.UnixQueues) {
			row.RecvQueue, row.SendQueue = &s.RecvQueue, &s.SendQueue
		}
		if s.Have.Has(metrics.UnixUID) {
			row.UID = &s.UID
		}
		if s.Have.Has(metrics.UnixPID) {
			row.PID = &s.PID
		}
		rows = append(rows, row)
	}
	return rows
}

// ifKnown returns value if the system has reported the field, else nil.
func ifKnown[T any](s *Socket, field metrics.ConnectionFields, value *T) *T {
	if !s.Have.Has(field) {
		return nil
	}
	return value
}

package main

import (
	"sluice/internal/status"
	"sluice/metrics"
)

// socketJSON is a row of "netstat --json", and of the sockets of "procinfo
// --json". What is not told is absent.
type socketJSON struct {
	Protocol  string  `json:"protocol"` // "tcp" or "tcp6"
	Local     string  `json:"local"`
	Remote    string  `json:"remote,omitempty"` // absent: a listener
	State     string  `json:"state"`
	RecvQueue *uint32 `json:"recv_queue,omitempty"`
	SendQueue *uint32 `json:"send_queue,omitempty"`
	Drops     *uint64 `json:"drops,omitempty"` // told with --listening
	UID       *uint32 `json:"uid,omitempty"`
	Inode     *uint64 `json:"inode,omitempty"`
	PID       *int    `json:"pid,omitempty"`
	Program   string  `json:"program,omitempty"`
	Cause     string  `json:"cause,omitempty"` // what has held it back since the look before

	TCP *status.TCP `json:"tcp,omitempty"` // as in /status.json; absent: not asked for
}

func socketsJSON(all []socket) []socketJSON {
	rows := []socketJSON{}
	for i := range all {
		s := &all[i]
		row := socketJSON{
			Protocol: proto(s), Local: s.Local.String(), State: s.State.String(), Program: s.program,
			RecvQueue: told(s, metrics.ConnectionQueues, &s.RecvQueue), SendQueue: told(s, metrics.ConnectionQueues, &s.SendQueue),
			Drops: told(s, metrics.ConnectionDrops, &s.Drops),
			UID:   told(s, metrics.ConnectionUID, &s.UID), Inode: told(s, metrics.ConnectionInode, &s.Inode), PID: told(s, metrics.ConnectionPID, &s.PID),
		}
		if s.State != metrics.Listen {
			row.Remote = s.Remote.String()
			if s.Have.Has(metrics.ConnectionTCP) {
				row.TCP = status.NewTCP(&s.TCP)
			}
		}
		if s.cause != metrics.CauseUnknown {
			row.Cause = s.cause.String()
		}
		rows = append(rows, row)
	}
	return rows
}

// told returns the value if the system has told it.
func told[T any](s *socket, field metrics.ConnectionFields, value *T) *T {
	if !s.Have.Has(field) {
		return nil
	}
	return value
}

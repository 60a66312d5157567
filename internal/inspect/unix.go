package inspect

import (
	"cmp"
	"fmt"
	"slices"

	"sluice/internal/show"
	"sluice/metrics"
)

// UnixSocket is a unix socket of the host.
type UnixSocket struct {
	metrics.UnixSocket
	Program string // name of the process PID; "": unknown
}

// UnixSockets returns the unix sockets that match, listeners first, then those with a
// path.
func UnixSockets(filter metrics.UnixFilter) ([]UnixSocket, error) {
	var all []UnixSocket
	names := make(programs)
	for s, err := range Host().UnixSockets(filter) {
		if err != nil {
			return nil, err
		}
		row := UnixSocket{UnixSocket: *s}
		if s.Have.Has(metrics.UnixPID) {
			row.Program = names.of(s.PID)
		}
		all = append(all, row)
	}
	slices.SortFunc(all, func(a, b UnixSocket) int {
		return cmp.Or(
			cmp.Compare(rank(a.State == metrics.Listen), rank(b.State == metrics.Listen)), cmp.Compare(rank(a.Path != ""), rank(b.Path != "")),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Inode, b.Inode))
	})
	return all, nil
}

// state returns the name of the state; "" for a socket that is not connected.
func (s *UnixSocket) state() string {
	if s.State == metrics.Closed {
		return ""
	}
	return s.State.String()
}

// text returns a value, or - if the system has not reported it.
func (s *UnixSocket) text(field metrics.UnixFields, value any) string {
	if !s.Have.Has(field) {
		return "-"
	}
	return fmt.Sprint(value)
}

// UnixTable returns a line for each socket. The path, which may be long, comes last.
func UnixTable(all []UnixSocket) string {
	right := show.Right
	columns := []show.Column{
		{Title: "Proto"}, {Title: "Type"}, {Title: "Recv-Q", Side: right}, {Title: "Send-Q", Side: right}, {Title: "State"},
		{Title: "Inode", Side: right}, {Title: "Peer", Side: right}, {Title: "PID", Side: right}, {Title: "Program"}, {Title: "Path"},
	}
	var rows [][]string
	for i := range all {
		s := &all[i]
		rows = append(rows, []string{
			"unix", s.Type.String(), s.text(metrics.UnixQueues, s.RecvQueue), s.text(metrics.UnixQueues, s.SendQueue), show.OrDash(s.state()),
			fmt.Sprint(s.Inode), s.text(metrics.UnixPeer, s.Peer), s.text(metrics.UnixPID, s.PID), show.OrDash(s.Program), show.OrDash(s.Path),
		})
	}
	return show.Table(columns, rows)
}

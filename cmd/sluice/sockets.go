package main

import (
	"cmp"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"sluice/metrics"
)

// betweenLooks is long enough to tell what holds a connection back.
const betweenLooks = 500 * time.Millisecond

// socket is a TCP socket of the host, with what it takes more than one answer of
// the kernel to know.
type socket struct {
	metrics.Connection
	program string        // name of the process PID; "": not told
	cause   metrics.Cause // since the look before
}

// look returns the sockets, and if TCP is wanted what has held them back.
func look(cmd *cobra.Command, filter metrics.Filter) ([]socket, error) {
	var before map[uint64]metrics.TCP
	if filter.TCP {
		first, err := sockets(filter)
		if err != nil {
			return nil, err
		}
		before = make(map[uint64]metrics.TCP)
		for _, s := range first {
			before[s.Cookie] = s.TCP
		}
		select {
		case <-time.After(betweenLooks):
		case <-cmd.Context().Done():
			return nil, cmd.Context().Err()
		}
	}
	all, err := sockets(filter)
	for i := range all {
		s := &all[i]
		if was, ok := before[s.Cookie]; ok && s.Have.Has(metrics.ConnectionCookie) {
			s.cause = metrics.Limit(&was, &s.TCP)
		}
	}
	return all, err
}

// thisHost is where to look: in a container the variables name where the file
// systems of the host are mounted.
func thisHost() metrics.Host {
	return metrics.Host{Proc: os.Getenv("HOST_PROC"), Sys: os.Getenv("HOST_SYS")}
}

// sockets returns those that match, listeners first.
func sockets(filter metrics.Filter) ([]socket, error) {
	var all []socket
	names := make(map[int]string)
	for c, err := range thisHost().Connections(filter) {
		if err != nil {
			return nil, err
		}
		s := socket{Connection: *c}
		if c.Have.Has(metrics.ConnectionPID) {
			if _, known := names[c.PID]; !known {
				names[c.PID] = nameOf(c.PID)
			}
			s.program = names[c.PID]
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b socket) int {
		return cmp.Or(
			cmp.Compare(order(a.State), order(b.State)), a.Local.Compare(b.Local), a.Remote.Compare(b.Remote))
	})
	return all, nil
}

// order puts listeners in front.
func order(s metrics.TCPState) int {
	if s == metrics.Listen {
		return 0
	}
	return 1
}

// nameOf returns the name of a process, or "" if it is not told.
func nameOf(pid int) string {
	p, err := thisHost().Open(pid)
	if err != nil {
		return ""
	}
	defer p.Close()
	var s metrics.Snapshot
	_ = p.Read(&s, metrics.FieldName) // "" if it cannot
	return s.Name
}

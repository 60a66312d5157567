package inspect

import (
	"cmp"
	"context"
	"os"
	"slices"
	"time"

	"sluice/metrics"
)

// sampleInterval is long enough to derive what limits a connection.
const sampleInterval = 500 * time.Millisecond

// Socket is a TCP or UDP socket of the host.
type Socket struct {
	metrics.Connection
	Program string        // name of the process PID; "": unknown
	Cause   metrics.Cause // what limited it between the two samples of Sockets
}

// Sockets returns the sockets that match, listeners first. If the filter wants
// TCP figures of TCP sockets it takes two samples half a second apart, to derive the Cause.
func Sockets(ctx context.Context, filter metrics.Filter) ([]Socket, error) {
	var before map[uint64]metrics.TCP
	if filter.TCP && filter.Protocol == metrics.ProtocolTCP {
		first, err := readSockets(filter)
		if err != nil {
			return nil, err
		}
		before = make(map[uint64]metrics.TCP)
		for _, s := range first {
			before[s.Cookie] = s.TCP
		}
		select {
		case <-time.After(sampleInterval):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	all, err := readSockets(filter)
	for i := range all {
		s := &all[i]
		if was, ok := before[s.Cookie]; ok && s.Have.Has(metrics.ConnectionCookie) {
			s.Cause = metrics.Limit(&was, &s.TCP)
		}
	}
	return all, err
}

// Host returns the host to inspect. In a container the variables HOST_PROC and
// HOST_SYS name where the host's file systems are mounted.
func Host() metrics.Host {
	return metrics.Host{Proc: os.Getenv("HOST_PROC"), Sys: os.Getenv("HOST_SYS")}
}

// readSockets takes one sample.
func readSockets(filter metrics.Filter) ([]Socket, error) {
	var all []Socket
	names := make(programs)
	for c, err := range Host().Connections(filter) {
		if err != nil {
			return nil, err
		}
		s := Socket{Connection: *c}
		if c.Have.Has(metrics.ConnectionPID) {
			s.Program = names.of(c.PID)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Socket) int {
		return cmp.Or(
			cmp.Compare(rank(a.isOpen()), rank(b.isOpen())), a.Local.Compare(b.Local), a.Remote.Compare(b.Remote))
	})
	return all, nil
}

// rank sorts first what is true.
func rank(first bool) int {
	if first {
		return 0
	}
	return 1
}

// programs are the names of processes by PID.
type programs map[int]string

// of returns the name of a process; "" if unknown.
func (p programs) of(pid int) string {
	name, known := p[pid]
	if !known {
		name = nameOf(pid)
		p[pid] = name
	}
	return name
}

// nameOf returns the name of a process; "" if unknown.
func nameOf(pid int) string {
	p, err := Host().Open(pid)
	if err != nil {
		return ""
	}
	defer p.Close()
	var s metrics.Snapshot
	_ = p.Read(&s, metrics.FieldName) // "" if it cannot
	return s.Name
}

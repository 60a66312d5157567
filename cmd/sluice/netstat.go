package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/show"
	"sluice/metrics"
)

func netstatCommand() *cobra.Command {
	var (
		filter            = metrics.Filter{Owner: true}
		listening, asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "netstat",
		Short: "List the TCP sockets of this host, and what holds them back",
		Long: `List the TCP sockets of this host: listeners first, then connections. Recv-Q is
how many bytes wait for the program, and of a listener how many connections;
Send-Q how many bytes are not confirmed, and of a listener how many connections
may wait.

With --tcp the kernel's figures of each connection follow, as of "ss -ti", and
what has held it back for the last half second: for that there are two looks.

The process is told of sockets whose descriptors this user may see. What the
system does not tell is -.`,
		Example: `  sluice netstat
  sluice netstat --listening
  sluice netstat --tcp --pid 4711
  sluice netstat --json | jq '.[] | select(.state == "LISTEN")'`,
		Args: argsAtMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if filter.PID < 0 {
				return misused(cmd, fmt.Errorf("--pid %d is negative", filter.PID))
			}
			if listening {
				filter.States = metrics.States(metrics.Listen)
			}
			sockets, err := look(cmd, filter)
			switch {
			case errors.Is(err, metrics.ErrNoProcess):
				return noProcess(filter.PID)
			case err != nil:
				return err
			case asJSON:
				return printJSON(cmd, socketsJSON(sockets))
			}
			return printText(cmd, netstatTable(sockets))
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&listening, "listening", false, "list listeners only")
	f.BoolVar(&filter.TCP, "tcp", false, "tell round trip times, windows, retransmissions and what holds each connection back")
	f.IntVar(&filter.PID, "pid", 0, "list the sockets of the process `PID` only")
	f.BoolVar(&asJSON, "json", false, "print the list as JSON")
	return cmd
}

// betweenLooks is long enough to tell what holds a connection back.
const betweenLooks = 500 * time.Millisecond

// socket is a row.
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
		if errors.Is(err, errors.ErrUnsupported) {
			return nil, errors.New("this system does not tell about its sockets")
		}
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

// netstatTable has the columns of netstat(8).
func netstatTable(all []socket) string {
	columns := []show.Column{
		{Title: "Proto"}, {Title: "Recv-Q", Side: show.Right}, {Title: "Send-Q", Side: show.Right}, {Title: "Local address"},
		{Title: "Remote address"}, {Title: "State"}, {Title: "PID", Side: show.Right}, {Title: "Program"},
	}
	var rows [][]string
	for i := range all {
		s := &all[i]
		pid, in, out := "-", "-", "-"
		if s.Have.Has(metrics.ConnectionPID) {
			pid = fmt.Sprint(s.PID)
		}
		if s.Have.Has(metrics.ConnectionQueues) {
			in, out = fmt.Sprint(s.RecvQueue), fmt.Sprint(s.SendQueue)
		}
		rows = append(rows, []string{proto(s), in, out, addr(s.Local), addr(s.Remote), s.State.String(), pid, orDash(s.program)})
	}
	return withDetails(show.Table(columns, rows), all)
}

func proto(s *socket) string {
	if s.Local.Addr().Is4() {
		return "tcp"
	}
	return "tcp6"
}

// addr is an address as netstat shows it: that of nobody is *.
func addr(a netip.AddrPort) string {
	if a.Port() == 0 && (!a.IsValid() || a.Addr().IsUnspecified()) {
		return "*:*"
	}
	return a.String()
}

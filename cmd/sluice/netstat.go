package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"

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
		Long: `List the TCP sockets of this host: listeners first, then connections. Sockets of
UDP and those in the file system are not listed. Recv-Q is how many bytes wait
for the program, and of a listener how many connections; Send-Q how many bytes
are not confirmed, and of a listener how many connections may wait. Drops, told
with --listening, are the connections that a listener has refused since it was
opened, nearly always because too many waited.

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
				filter.States, filter.Drops = metrics.States(metrics.Listen), true
			}
			sockets, err := look(cmd, filter)
			switch {
			case err != nil:
				return explainSockets(err, filter.PID)
			case asJSON:
				return printJSON(cmd, socketsJSON(sockets))
			}
			return printText(cmd, netstatTable(sockets, filter))
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

// explainSockets says what an error of looking for sockets means, of a process
// if pid is not 0.
func explainSockets(err error, pid int) error {
	switch {
	case errors.Is(err, metrics.ErrNoProcess):
		return noProcess(pid)
	case errors.Is(err, errors.ErrUnsupported):
		return errors.New("this system does not tell about its sockets")
	case errors.Is(err, fs.ErrPermission) && pid > 0:
		return fmt.Errorf("this user may not see which sockets process %d has", pid)
	}
	return err
}

// netstatColumn is one of the table.
type netstatColumn struct {
	show.Column
	text func(*socket) string
}

const dropsTitle = "Drops"

// netstatColumns are those of netstat(8), and Drops.
var netstatColumns = []netstatColumn{
	{show.Column{Title: "Proto"}, proto},
	{show.Column{Title: "Recv-Q", Side: show.Right}, func(s *socket) string { return s.text(metrics.ConnectionQueues, s.RecvQueue) }},
	{show.Column{Title: "Send-Q", Side: show.Right}, func(s *socket) string { return s.text(metrics.ConnectionQueues, s.SendQueue) }},
	{show.Column{Title: dropsTitle, Side: show.Right}, func(s *socket) string { return s.text(metrics.ConnectionDrops, s.Drops) }},
	{show.Column{Title: "Local address"}, func(s *socket) string { return addr(s.Local) }},
	{show.Column{Title: "Remote address"}, func(s *socket) string { return addr(s.Remote) }},
	{show.Column{Title: "State"}, func(s *socket) string { return s.State.String() }},
	{show.Column{Title: "PID", Side: show.Right}, func(s *socket) string { return s.text(metrics.ConnectionPID, s.PID) }},
	{show.Column{Title: "Program"}, func(s *socket) string { return show.OrDash(s.program) }},
}

// netstatTable has a line for each socket, with Drops if they were asked for,
// and below it the figures of TCP.
func netstatTable(all []socket, asked metrics.Filter) string {
	var titles []show.Column
	rows := make([][]string, len(all))
	for _, c := range netstatColumns {
		if c.Title == dropsTitle && !asked.Drops {
			continue
		}
		titles = append(titles, c.Column)
		for i := range all {
			rows[i] = append(rows[i], c.text(&all[i]))
		}
	}
	return withDetails(show.Table(titles, rows), all)
}

// text returns a figure, or - if the system has not told it.
func (s *socket) text(field metrics.ConnectionFields, value any) string {
	if !s.Have.Has(field) {
		return "-"
	}
	return fmt.Sprint(value)
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

package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"sluice/internal/inspect"
	"sluice/metrics"
)

func netstatCommand() *cobra.Command {
	var (
		filter            = metrics.Filter{Owner: true}
		listening, asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "netstat",
		Short: "List the TCP sockets of this host and what limits them",
		Long: `List the TCP sockets of this host: listeners first, then connections. UDP and
unix sockets are not listed. Recv-Q is the number of bytes that the program has
not read, and for a listener the number of connections that it has not accepted.
Send-Q is the number of bytes that the peer has not acknowledged, and for a
listener the limit of its queue. Drops, with --listening, is the number of
connections that a listener has refused since it was opened, nearly always
because its queue was full.

With --tcp the kernel's figures follow each connection, in the names of "ss -ti",
and what has limited it during the last half second.

The process of a socket is known only if this user may see its descriptors. What
the system does not report is shown as -.`,
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
			sockets, err := inspect.Sockets(cmd.Context(), filter)
			switch {
			case err != nil:
				return explainSockets(err, filter.PID)
			case asJSON:
				return printJSON(cmd, inspect.SocketRows(sockets))
			}
			return printText(cmd, inspect.SocketTable(sockets, filter))
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&listening, "listening", false, "list only listeners")
	f.BoolVar(&filter.TCP, "tcp", false, "show round trip times, windows, retransmissions and what limits each connection")
	f.IntVar(&filter.PID, "pid", 0, "list only the sockets of the process `PID`")
	f.BoolVar(&asJSON, "json", false, "print the list as JSON")
	return cmd
}

// explainSockets explains an error of reading the sockets, of a process if pid
// is not 0.
func explainSockets(err error, pid int) error {
	switch {
	case errors.Is(err, metrics.ErrNoProcess):
		return noProcess(pid)
	case errors.Is(err, errors.ErrUnsupported):
		return errors.New("this system does not report its sockets")
	case errors.Is(err, fs.ErrPermission) && pid > 0:
		return fmt.Errorf("this user may not see the sockets of process %d", pid)
	}
	return err
}

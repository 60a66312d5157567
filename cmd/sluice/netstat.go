package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/inspect"
	"sluice/metrics"
)

func netstatCommand() *cobra.Command {
	var (
		list   = socketList{filter: metrics.Filter{Owner: true}}
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "netstat",
		Short: "List the sockets of this host and what limits them",
		Long: `List the TCP sockets of this host: listeners first, then connections. With --udp
or --unix, list those sockets instead; --tcp lists the TCP sockets too.

Recv-Q is the number of bytes that the program has not read, and for a listener the
number of connections that it has not accepted. Send-Q is the number of bytes that
the peer has not acknowledged, and for a listener the limit of its queue. Drops, with
--listening, is the number of connections that a listener has refused since it was
opened, nearly always because its queue was full. For a UDP socket it is the number
of packets that were dropped before the program had read them; its state is - unless
it is connected.

With --tcp the kernel's figures follow each connection, in the names of "ss -ti",
and what has limited it during the last half second.

The process of a socket is known only if this user may see its descriptors. With
--pid the sockets are those of the process's network namespace, such as that of a
container, which only root may enter. What the system does not report is shown
as -.`,
		Example: `  sluice netstat
  sluice netstat --listening
  sluice netstat --tcp --pid 4711
  sluice netstat --udp --unix --listening
  sluice netstat --json | jq '.[] | select(.state == "LISTEN")'`,
		Args: argsAtMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if list.filter.PID < 0 {
				return misused(cmd, fmt.Errorf("--pid %d is negative", list.filter.PID))
			}
			found, err := list.read(cmd.Context())
			switch {
			case err != nil:
				return explainSockets(err, list.filter.PID)
			case asJSON:
				return printJSON(cmd, append(inspect.SocketRows(found.sockets), inspect.UnixRows(found.unix)...))
			}
			return printText(cmd, list.text(found))
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&list.listening, "listening", false, "list only listeners")
	f.BoolVar(&list.udp, "udp", false, "list UDP sockets")
	f.BoolVar(&list.unix, "unix", false, "list unix sockets")
	f.BoolVar(&list.filter.TCP, "tcp", false, "show round trip times, windows, retransmissions and what limits each connection")
	f.IntVar(&list.filter.PID, "pid", 0, "list only the sockets of the process `PID`")
	f.BoolVar(&asJSON, "json", false, "print the list as JSON")
	return cmd
}

// socketList is what netstat lists.
type socketList struct {
	filter               metrics.Filter // TCP: with the figures of ss
	udp, unix, listening bool
}

// tcp reports whether TCP sockets are listed.
func (l *socketList) tcp() bool { return l.filter.TCP || !l.udp && !l.unix }

// foundSockets are the sockets of a list.
type foundSockets struct {
	sockets []inspect.Socket // TCP, then UDP
	unix    []inspect.UnixSocket
}

func (l *socketList) read(ctx context.Context) (found foundSockets, err error) {
	add := func(protocol metrics.Protocol, open metrics.TCPState) error {
		f := l.filter
		f.Protocol, f.Drops = protocol, l.drops()
		if l.listening {
			f.States = metrics.States(open)
		}
		all, err := inspect.Sockets(ctx, f)
		found.sockets = append(found.sockets, all...)
		return err
	}
	if l.tcp() {
		if err := add(metrics.ProtocolTCP, metrics.Listen); err != nil {
			return found, err
		}
	}
	if l.udp {
		if err := add(metrics.ProtocolUDP, metrics.Closed); err != nil { // not connected
			return found, err
		}
	}
	if l.unix {
		f := metrics.UnixFilter{PID: l.filter.PID, Owner: true}
		if l.listening {
			f.States = metrics.States(metrics.Listen)
		}
		found.unix, err = inspect.UnixSockets(f)
	}
	return found, err
}

// drops reports whether the drops are shown.
func (l *socketList) drops() bool { return l.listening || l.udp }

// text returns a table of TCP and UDP sockets, and one of unix sockets.
func (l *socketList) text(found foundSockets) string {
	var tables []string
	if l.tcp() || l.udp {
		tables = append(tables, inspect.SocketTable(found.sockets, metrics.Filter{Drops: l.drops()}))
	}
	if l.unix {
		tables = append(tables, inspect.UnixTable(found.unix))
	}
	return strings.Join(tables, "\n")
}

// explainSockets explains an error of reading the sockets, of a process if pid
// is not 0.
func explainSockets(err error, pid int) error {
	switch {
	case errors.Is(err, metrics.ErrNoProcess):
		return noProcess(pid)
	case errors.Is(err, errors.ErrUnsupported):
		return errors.New("this system does not report these sockets")
	case errors.Is(err, metrics.ErrOtherNamespace):
		return fmt.Errorf("process %d is in another network namespace, such as that of a container, whose sockets this user may not see", pid)
	case errors.Is(err, fs.ErrPermission) && pid > 0:
		return fmt.Errorf("this user may not see the sockets of process %d", pid)
	}
	return err
}

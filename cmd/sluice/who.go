package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/admin"
	"sluice/internal/inspect"
	"sluice/internal/show"
	"sluice/internal/status"
)

func whoCommand() *cobra.Command {
	var (
		from          adminFlags
		asJSON, peers bool
	)
	cmd := &cobra.Command{
		Use:   "who",
		Short: "List the clients of a running server",
		Long: `List the connections of a running server, the oldest first, with what each of
them does. The server must run with --admin.`,
		Example: `  sluice who
  sluice who --peers
  sluice who --json | jq '.[].user'`,
		Args: argsAtMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			detail := admin.Sessions
			if peers {
				detail = admin.Peers
			}
			st, err := from.status(cmd, detail)
			if err != nil {
				return err
			}
			if peers {
				addPeers(st)
			}
			if asJSON {
				return printJSON(cmd, st.Sessions)
			}
			return printText(cmd, whoTable(st, detail))
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	from.add(cmd)
	f.BoolVar(&peers, "peers", false, "find the processes of clients that run on the server's host; takes some milliseconds")
	f.BoolVar(&asJSON, "json", false, "print the list as JSON")
	return cmd
}

// addPeers finds the processes of clients if the server runs on this host. A
// sandboxed server cannot see other processes; this user may be able to.
func addPeers(st *status.Status) {
	p, err := st.Server.Open(inspect.Host())
	if err != nil {
		return
	}
	_ = p.Close()
	st.AddPeers()
}

// whoTable returns a line for each session.
func whoTable(st *status.Status, detail admin.Detail) string {
	columns := []show.Column{
		{Title: "ID", Side: show.Right}, {Title: "PROTO"}, {Title: "USER"}, {Title: "FROM"},
		{Title: "SINCE"}, {Title: "IDLE", Side: show.Right}, {Title: "SENT", Side: show.Right}, {Title: "RECEIVED", Side: show.Right},
		{Title: "STATE"}, {Title: "WHAT"},
	}
	if detail == admin.Peers {
		columns = slices.Insert(columns, 4, show.Column{Title: "PID", Side: show.Right})
	}
	var rows [][]string
	for i := range st.Sessions {
		s := &st.Sessions[i]
		row := []string{fmt.Sprint(s.ID), s.Protocol, show.OrDash(s.User), show.OrDash(s.Remote)}
		if detail == admin.Peers {
			pid := "-"
			if s.Peer != nil && s.Peer.PID != nil {
				pid = fmt.Sprint(*s.Peer.PID)
			}
			row = append(row, pid)
		}
		rows = append(rows, append(row,
			s.Since.In(st.Now.Location()).Format(time.DateTime), show.Time(st.Now.Sub(s.LastActive)),
			show.Bytes(s.Sent), show.Bytes(s.Received), s.State, show.OrDash(activity(s))))
	}
	return show.Table(columns, rows)
}

// activity returns the oldest transfer of a session, or its command.
func activity(s *status.Session) string {
	if len(s.Transfers) > 0 {
		return s.Transfers[0].Op + " " + s.Transfers[0].Path
	}
	return s.Command
}

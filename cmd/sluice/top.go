package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/admin"
	"sluice/internal/status"
	"sluice/internal/top"
)

func topCommand() *cobra.Command {
	var (
		from         adminFlags
		once, asJSON bool
		interval     time.Duration
	)
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Show the transfers of a running server and what limits them",
		Long: `Show the transfers of a running server, the fastest first: the progress of each
transfer, the method that moves its bytes, and what limits it. The key ? explains
the other keys.

The server must run with --admin. With --once the view is printed once; if the
output is not a terminal, all columns are printed. --once --json prints the status
of the server with all its sessions.`,
		Example: `  sluice serve --admin 127.0.0.1:9180 /srv/pub
  sluice top
  sluice top --admin unix:/run/sluice/admin.sock
  sluice top --once --json | jq '.sessions[].transfers[]?.path'`,
		Args: argsAtMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case asJSON && !once:
				return misused(cmd, errors.New("--json is of no use without --once"))
			case interval < shortestInterval:
				return misused(cmd, fmt.Errorf("--interval %v is shorter than %v", interval, shortestInterval))
			case !once && !isTerminal(cmd.OutOrStdout()):
				return misused(cmd, errors.New("the output is not a terminal; print the view once with --once"))
			case !once && os.Getenv("TERM") == "dumb":
				return misused(cmd, errors.New("this terminal cannot move its cursor (TERM=dumb); print the view once with --once"))
			}
			st, err := from.status(cmd, admin.Sessions) // an error here is printed; the view would hide it
			switch {
			case err != nil:
				return err
			case asJSON:
				return printJSON(cmd, st)
			case once:
				return printText(cmd, top.Text(st, terminalWidth(cmd.OutOrStdout())))
			}
			c, err := from.client(cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			ctx, stop := signal.NotifyContext(cmd.Context(), endingSignals()...) // so that the terminal is restored
			defer stop()
			return top.Run(ctx, explainedClient{c, &from}, interval)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	from.add(cmd)
	f.DurationVar(&interval, "interval", time.Second, "refresh the view after `TIME`")
	f.BoolVar(&once, "once", false, "print the view once")
	f.BoolVar(&asJSON, "json", false, "print the status as JSON, with --once")
	return cmd
}

// shortestInterval is how often the server samples a transfer.
const shortestInterval = 100 * time.Millisecond

// explainedClient is a client whose errors say what to do.
type explainedClient struct {
	*admin.Client
	from *adminFlags
}

func (e explainedClient) Status(ctx context.Context, detail admin.Detail) (*status.Status, error) {
	st, err := e.Client.Status(ctx, detail)
	return st, e.from.explain(err)
}

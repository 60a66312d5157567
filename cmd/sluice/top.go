package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
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
		Short: "Show what a running server transfers, how fast, and what holds it back",
		Long: `Show what a running server transfers, the fastest first: how far each transfer
is, by which method the kernel moves it, and what holds it back. The key ?
explains the others.

The server must have been started with --admin. With --once there is one look
and no key; where the output is no terminal no column is left out. With
--once --json it is the status as the server tells it, all sessions included.`,
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
				return misused(cmd, errors.New("the output is no terminal; one look is --once"))
			case !once && os.Getenv("TERM") == "dumb":
				return misused(cmd, errors.New("this terminal cannot move its cursor (TERM=dumb); one look is --once"))
			}
			st, err := from.status(cmd, admin.Sessions) // which can be told of, unlike in the view
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
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGHUP) // or it would leave the terminal as it is
			defer stop()
			return top.Run(ctx, explaining{c, &from}, interval)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	from.add(cmd)
	f.DurationVar(&interval, "interval", time.Second, "look again after this `TIME`")
	f.BoolVar(&once, "once", false, "look once and print it")
	f.BoolVar(&asJSON, "json", false, "print it as JSON, with --once")
	return cmd
}

// shortestInterval between two looks: the server's figures are no younger.
const shortestInterval = 100 * time.Millisecond

// explaining is a client whose errors say what to do.
type explaining struct {
	*admin.Client
	from *adminFlags
}

func (e explaining) Status(ctx context.Context, want admin.Want) (*status.Status, error) {
	st, err := e.Client.Status(ctx, want)
	return st, e.from.explain(err)
}

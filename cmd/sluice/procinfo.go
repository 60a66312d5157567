package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"sluice/internal/admin"
	"sluice/internal/inspect"
	"sluice/internal/show"
	"sluice/internal/status"
	"sluice/metrics"
)

func procinfoCommand() *cobra.Command {
	var (
		from   adminFlags
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "procinfo [PID]",
		Short: "Show a process of this host, such as the running server",
		Long: `Show the memory, CPU time, files, sockets, threads and limits of a process. What
the system does not report, or not to this user, is left out. The environment is
never shown, because it may hold secrets. In a container the variable HOST_PROC
can name where the host's /proc is mounted.

Without PID it shows the server that answers at --admin, or else the only process
of this host that is "sluice serve"; standard error says which one.`,
		Example: `  sluice procinfo
  sluice procinfo 4711
  sluice procinfo --json | jq .memory`,
		Args: argsAtMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := openProcess(cmd, &from, args)
			if err != nil {
				return err
			}
			defer p.Close()
			info, err := inspect.ReadProcess(p)
			switch {
			case errors.Is(err, metrics.ErrNoProcess):
				return noProcess(p.ID().PID)
			case err != nil:
				return err
			}
			if info.Denied {
				remark(cmd, "this user may not see all of it")
			}
			if asJSON {
				return printJSON(cmd, info)
			}
			return printText(cmd, show.CutLines(info.String(), terminalWidth(cmd.OutOrStdout())))
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	from.add(cmd)
	f.BoolVar(&asJSON, "json", false, "print it as JSON")
	return cmd
}

// openProcess returns a handle on the process of the argument, or else on the
// server. The caller closes it.
func openProcess(cmd *cobra.Command, from *adminFlags, args []string) (*metrics.Process, error) {
	if len(args) == 0 {
		return openServer(cmd, from)
	}
	pid, err := strconv.Atoi(args[0])
	if err != nil || pid <= 0 {
		return nil, misused(cmd, fmt.Errorf("%q is not a PID", args[0]))
	}
	p, err := inspect.Host().Open(pid)
	if errors.Is(err, metrics.ErrNoProcess) {
		return nil, noProcess(pid)
	}
	return p, err
}

func noProcess(pid int) error { return fmt.Errorf("there is no process %d", pid) }

// openServer returns a handle on the running server's process, and prints on
// standard error how it was found.
func openServer(cmd *cobra.Command, from *adminFlags) (*metrics.Process, error) {
	st, err := from.status(cmd, admin.Sessions)
	if err != nil {
		if cmd.Flags().Changed("admin") {
			return nil, err
		}
		p, err := inspect.FindServer(cmd.Context())
		if err == nil {
			remark(cmd, "process %d, found by its name", p.ID().PID)
		}
		return p, err
	}
	p, err := st.Server.Open(inspect.Host())
	switch {
	case errors.Is(err, status.ErrOtherHost):
		return nil, fmt.Errorf("the process of the server on %s cannot be seen from here: it runs on another host, in a container, or hidden from this user; "+
			"for what it reports about itself see \"sluice top --once --admin %s\"", from.addr, from.addr)
	case err != nil:
		return nil, err
	}
	remark(cmd, "process %d, which answers on %s", st.Server.PID, from.addr)
	return p, nil
}

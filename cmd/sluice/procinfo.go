package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/admin"
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
		Short: "Show what this host knows of a process, such as the running server",
		Long: `Show what this host knows of a process: its memory, its time on processors, its
files, sockets, threads and limits. What the system does not tell, or not to
this user, is not there. The environment is never shown: there may be secrets
in it. In a container the variable HOST_PROC can name where the host's /proc is.

Without PID it is the server that answers at --admin, or else the one process
of this host that is "sluice serve"; which one is said on standard error.`,
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
			info, err := newProcessInfo(p)
			switch {
			case errors.Is(err, metrics.ErrNoProcess):
				return noProcess(p.ID().PID)
			case err != nil:
				return err
			}
			if info.denied {
				remark(cmd, "some of it is not for this user to see")
			}
			if asJSON {
				return printJSON(cmd, info)
			}
			return printText(cmd, cutLines(info.String(), terminalWidth(cmd.OutOrStdout())))
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	from.add(cmd)
	f.BoolVar(&asJSON, "json", false, "print it as JSON")
	return cmd
}

// openProcess returns a handle on the process that is meant, which the caller
// closes: that of the argument, or the server.
func openProcess(cmd *cobra.Command, from *adminFlags, args []string) (*metrics.Process, error) {
	if len(args) == 0 {
		return openServer(cmd, from)
	}
	pid, err := strconv.Atoi(args[0])
	if err != nil || pid <= 0 {
		return nil, misused(cmd, fmt.Errorf("%q is no PID", args[0]))
	}
	p, err := thisHost().Open(pid)
	if errors.Is(err, metrics.ErrNoProcess) {
		return nil, noProcess(pid)
	}
	return p, err
}

func noProcess(pid int) error { return fmt.Errorf("there is no process %d", pid) }

// openServer is openProcess for the running server, and says on standard error
// how that was found.
func openServer(cmd *cobra.Command, from *adminFlags) (*metrics.Process, error) {
	st, err := from.status(cmd, admin.Sessions)
	if err != nil {
		if cmd.Flags().Changed("admin") {
			return nil, err
		}
		p, err := onlyServer(cmd.Context())
		if err == nil {
			remark(cmd, "process %d, found by its name", p.ID().PID)
		}
		return p, err
	}
	p, err := st.Server.Open(thisHost())
	switch {
	case errors.Is(err, status.ErrOtherHost):
		return nil, fmt.Errorf("the server on %s cannot be seen from here: it runs on another host, in a container, or hidden from this user; "+
			"for what it tells of itself see \"sluice top --once --admin %s\"", from.addr, from.addr)
	case err != nil:
		return nil, err
	}
	remark(cmd, "process %d, which answers on %s", st.Server.PID, from.addr)
	return p, nil
}

// onlyServer returns a handle on the one process that serves.
func onlyServer(ctx context.Context) (*metrics.Process, error) {
	var found []int
	var s metrics.Snapshot
	for p, err := range thisHost().Processes() {
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if p.Read(&s, metrics.FieldName|metrics.FieldIdentity) == nil && serves(&s) { // or it has ended
			found = append(found, p.ID().PID)
		}
	}
	switch len(found) {
	case 0:
		return nil, errors.New("no server runs here that could be found; name a process: sluice procinfo PID")
	case 1:
		return thisHost().Open(found[0])
	}
	slices.Sort(found)
	return nil, fmt.Errorf("there are several servers, with the PIDs %s; name one: sluice procinfo PID", strings.Trim(fmt.Sprint(found), "[]"))
}

// serves reports whether a process is "sluice serve".
func serves(s *metrics.Snapshot) bool {
	args := s.Identity.Args
	return strings.TrimSuffix(s.Name, ".exe") == "sluice" && len(args) > 1 && args[1] == "serve"
}

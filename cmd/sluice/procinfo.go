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
			pid, err := 0, error(nil)
			if len(args) > 0 {
				if pid, err = strconv.Atoi(args[0]); err != nil || pid <= 0 {
					return misused(cmd, fmt.Errorf("%q is no PID", args[0]))
				}
			} else if pid, err = findServer(cmd, &from); err != nil {
				return err
			}
			info, err := newProcessInfo(pid)
			switch {
			case errors.Is(err, metrics.ErrNoProcess):
				return noProcess(pid)
			case err != nil:
				return err
			case asJSON:
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

func noProcess(pid int) error { return fmt.Errorf("there is no process %d", pid) }

// findServer returns the PID of the running server, and says on standard error
// how it was found.
func findServer(cmd *cobra.Command, from *adminFlags) (int, error) {
	pid, how := 0, ""
	c, err := from.client(cmd)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if st, err := c.Status(cmd.Context(), admin.Sessions); err == nil {
		pid, how = st.Server.PID, "which answers on "+from.addr
	} else if cmd.Flags().Changed("admin") {
		return 0, from.explain(err)
	} else if pid, err = onlyServer(cmd.Context()); err != nil {
		return 0, err
	} else {
		how = "found by its name"
	}
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), "sluice: process %d, %s\n", pid, how)
	return pid, err
}

// onlyServer returns the PID of the one process that serves.
func onlyServer(ctx context.Context) (int, error) {
	var found []int
	var s metrics.Snapshot
	for p, err := range thisHost().Processes() {
		if err != nil {
			return 0, err
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if p.Read(&s, metrics.FieldName|metrics.FieldIdentity) != nil {
			continue // it has ended
		}
		args := s.Identity.Args
		if strings.TrimSuffix(s.Name, ".exe") == "sluice" && len(args) > 1 && args[1] == "serve" {
			found = append(found, p.ID().PID)
		}
	}
	slices.Sort(found)
	switch len(found) {
	case 0:
		return 0, errors.New("no server runs here that could be found; name a process: sluice procinfo PID")
	case 1:
		return found[0], nil
	}
	return 0, fmt.Errorf("there are several servers, with the PIDs %s; name one: sluice procinfo PID", strings.Trim(fmt.Sprint(found), "[]"))
}

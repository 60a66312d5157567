package main

import (
	"errors"

	"github.com/spf13/cobra"

	"sluice/internal/inspect"
	"sluice/metrics"
)

func procsmemCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "procsmem",
		Short: "List the memory of each process of this host",
		Long: `List the memory of each process of this host, the largest last.

USS is the memory that would be free if the process ended now: the best measure of
its cost. PSS is USS and the process's share of memory that it shares with others.
Swap is its memory on disk, and RSS all its memory in RAM, with shared memory
counted in full.

For these figures the kernel walks all pages of a process, which takes up to some
milliseconds each. Kernel threads are left out, and so are processes that this
user may not see. In a container the variable HOST_PROC can name where the host's
/proc is mounted.`,
		Args: argsAtMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !metrics.Supported().Has(metrics.FieldFootprint) {
				return errors.New("this system does not report USS and PSS")
			}
			all, denied, err := inspect.Memory()
			if err != nil {
				return err
			}
			if denied > 0 {
				remark(cmd, "processes that this user may not see: %d", denied)
			}
			if asJSON {
				return printJSON(cmd, all)
			}
			return printText(cmd, inspect.MemoryTable(all, terminalWidth(cmd.OutOrStdout())))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	return cmd
}

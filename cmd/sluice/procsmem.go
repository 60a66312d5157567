package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/show"
	"sluice/metrics"
)

func procsmemCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "procsmem",
		Short: "List what each process of this host costs in memory",
		Long: `List what each process of this host costs in memory, the greatest last.

USS is what would be free if the process ended now: the figure to go by. PSS is
that and its share of what it shares with others, Swap what of it is on a disk,
and RSS all that it has in RAM, what it shares counted in full.

The kernel walks all pages of a process for that, up to milliseconds for each.
Threads of the kernel are left out, and what this user may not see. In a
container the variable HOST_PROC can name where the host's /proc is.`,
		Args: argsAtMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !metrics.Supported().Has(metrics.FieldFootprint) {
				return errors.New("this system does not tell what a process costs in memory")
			}
			all, denied, err := memoryOfAll()
			if err != nil {
				return err
			}
			if denied > 0 {
				remark(cmd, "processes that are not for this user to see: %d", denied)
			}
			if asJSON {
				return printJSON(cmd, all)
			}
			return printText(cmd, procsmemTable(all, terminalWidth(cmd.OutOrStdout())))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	return cmd
}

// processMemory is a row. Sizes are bytes.
type processMemory struct {
	PID     int      `json:"pid"`
	User    string   `json:"user,omitempty"`
	Name    string   `json:"name"`
	Args    []string `json:"args,omitempty"`
	USS     uint64   `json:"uss_bytes"`
	PSS     uint64   `json:"pss_bytes"`
	Swapped uint64   `json:"swap_bytes"`
	RSS     *uint64  `json:"rss_bytes,omitempty"`
}

// memoryOfAll returns the processes that tell, by USS, and how many do not.
func memoryOfAll() (all []processMemory, denied int, err error) {
	all = []processMemory{}
	users := make(map[uint32]string) // names by effective UID
	var s metrics.Snapshot
	for p, err := range thisHost().Processes() {
		if err != nil {
			return nil, 0, err
		}
		if p.Read(&s, metrics.FieldName|metrics.FieldMemory|metrics.FieldOwner|metrics.FieldIdentity|metrics.FieldFootprint) != nil {
			continue // it has ended
		}
		kernels := len(s.Identity.Args) == 0 // or it is a zombie
		switch {
		case !s.Have.Has(metrics.FieldFootprint) && !kernels:
			denied++
			continue
		case !s.Have.Has(metrics.FieldFootprint) || s.Footprint.PSS == 0:
			continue
		}
		row := processMemory{
			PID: s.ID.PID, Name: s.Name, Args: s.Identity.Args,
			USS: s.Footprint.USS, PSS: s.Footprint.PSS, Swapped: s.Footprint.Swap,
		}
		if s.Have.Has(metrics.FieldOwner) {
			if _, known := users[s.Owner.EUID]; !known || !s.Owner.HaveIDs {
				users[s.Owner.EUID] = username(s.Owner)
			}
			row.User = users[s.Owner.EUID]
		}
		if s.Have.Has(metrics.FieldMemory) {
			row.RSS = new(s.Memory.RSS)
		}
		all = append(all, row)
	}
	slices.SortStableFunc(all, func(a, b processMemory) int { return cmp.Compare(a.USS, b.USS) })
	return all, denied, nil
}

// username returns the name of a user, or else its number.
func username(o metrics.Owner) string {
	name, err := o.Username()
	if err != nil && o.HaveIDs {
		return fmt.Sprint(o.EUID)
	}
	return name
}

// procsmemTable has the columns of psutil's procsmem.py, but that the command
// comes last, so that it can be long. width is that of the terminal; 0: cut
// nothing.
func procsmemTable(all []processMemory, width int) string {
	right := show.Right
	columns := []show.Column{
		{Title: "PID", Side: right}, {Title: "User"}, {Title: "USS", Side: right}, {Title: "PSS", Side: right},
		{Title: "Swap", Side: right}, {Title: "RSS", Side: right}, {Title: "Cmdline"},
	}
	var rows [][]string
	for _, p := range all {
		rss := "-"
		if p.RSS != nil {
			rss = show.Bytes(*p.RSS)
		}
		line := strings.Join(p.Args, " ")
		rows = append(rows, []string{
			fmt.Sprint(p.PID), show.OrDash(p.User), show.Bytes(p.USS), show.Bytes(p.PSS), show.Bytes(p.Swapped), rss,
			show.OrDash(cmp.Or(line, p.Name)),
		})
	}
	return cutLines(show.Table(columns, rows), width)
}

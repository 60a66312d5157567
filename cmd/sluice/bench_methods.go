package main

import (
	"cmp"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sluice/bench"
	"sluice/bench/methods"
	"sluice/internal/config"
)

func benchMethodsCommand() *cobra.Command {
	var (
		res     results
		conf    = methods.Config{Cold: true}
		sizes   []string
		percent float64
		list    bool
	)
	cmd := &cobra.Command{
		Use:   "methods",
		Short: "Measure what each way to send a file costs on this machine",
		Long: `Measure what each way to send a file costs on this machine: sendfile(2),
splice(2), io_uring, mmap, loops of read and write, TLS. A server in a process
of its own sends files of several sizes by each method, to one client and to
several at once, with the file in the page cache and without.

The report begins with the answer: what zero-copy costs in terms of copying.
It claims only differences that the rounds support.

Each cell is measured in nine rounds. Cells whose CPU time or MB/s varies by
more than --precision get further rounds until --budget is spent; a quiet
machine needs about half of it. For a rough look: --rounds 5 --time 50ms.`,
		Example: `  sluice bench methods
  sluice bench methods --list
  sluice bench methods --methods sluice,rw-64k --sizes 1MiB,1GiB --clients 64 --html ''`,
		Args: argsAtMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if list {
				return listMethods(cmd)
			}
			for _, text := range sizes {
				var s config.Bytes
				if err := s.Set(text); err != nil {
					return misused(cmd, fmt.Errorf("--sizes: %w", err))
				}
				conf.Sizes = append(conf.Sizes, int64(s))
			}
			var err error
			if conf.Self, err = self(); err != nil {
				return err
			}
			conf.Self = append(conf.Self, "bench", "child", "methods")
			conf.Precision = percent / 100
			if err := cmp.Or(checkPrecision(percent, conf.Budget), conf.Check()); err != nil {
				return misused(cmd, err)
			}
			return res.run(cmd, func(b *benchRun) (*bench.Report, error) {
				return methods.Run(cmd.Context(), conf, func(p methods.Progress) { b.progress.Step(p.Done, p.Of, p.Now) })
			})
		},
	}
	f := cmd.Flags()
	f.BoolVar(&list, "list", false, "list the methods, and say which of them this machine lacks")
	f.StringSliceVar(&conf.Methods, "methods", nil, "measure only the methods of these `NAMES`, separated by commas")
	f.StringSliceVar(&sizes, "sizes", []string{"4KiB", "64KiB", "1MiB", "100MiB"}, "`SIZES` of the files")
	f.IntSliceVar(&conf.Clients, "clients", []int{1, 16}, "`NUMBERS` of concurrent connections")
	f.BoolVar(&conf.Cold, "cold", conf.Cold, "also measure with nothing of the file in the page cache")
	f.IntVar(&conf.Rounds, "rounds", 0, "measure each cell in exactly this `NUMBER` of rounds; 0: in nine, and in more as --precision demands")
	f.DurationVar(&conf.Time, "time", 0, "measure each cell for this `TIME` in each round; 0: for 200ms, or less if nine rounds would exceed --budget")
	f.Float64Var(&percent, "precision", 10, precisionUsage)
	f.DurationVar(&conf.Budget, "budget", 10*time.Minute, "`TIME` that the run may take")
	f.StringVar(&conf.Dir, "dir", "", "make the files in this `DIR`; '': in a folder on a disk, if there is one")
	f.Uint64Var(&conf.Seed, "seed", 0, "`SEED` of the order in which cells are measured; 0: a random one")
	res.flags(cmd, "bench-methods.html")
	return cmd
}

func listMethods(cmd *cobra.Command) error {
	for _, m := range methods.All() {
		about := m.About
		if m.Err != nil {
			about += fmt.Sprintf(" (not on this machine: %v)", m.Err)
		}
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%-13s %s\n", m.Name, about); err != nil {
			return err
		}
	}
	return nil
}

// self returns the command line that starts this program.
func self() ([]string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, to start it as a server: %w", err)
	}
	return []string{program}, nil
}

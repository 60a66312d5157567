package main

import (
	"cmp"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"sluice/bench"
	"sluice/bench/methods"
	"sluice/internal/config"
)

// benchRoadsCommand is benchMethodsCommand by the name that it had before 0.4.0.
func benchRoadsCommand() *cobra.Command {
	cmd := benchMethodsCommand()
	cmd.Use = "roads"
	cmd.Deprecated = `it is called "sluice bench methods" now`
	return cmd
}

func benchMethodsCommand() *cobra.Command {
	var (
		res      results
		conf     = methods.Config{Cold: true}
		sizes    []string
		oldNames []string
		list     bool
	)
	cmd := &cobra.Command{
		Use:   "methods",
		Short: "Measure what each way to send a file costs on this machine",
		Long: `Measure what each way to send a file costs on this machine: sendfile(2),
splice(2), io_uring, mmap, loops of read and write, TLS. A server in a process
of its own takes them in turn, for files of several sizes and several clients
at once, with the file in the page cache and without.`,
		Example: `  sluice bench methods
  sluice bench methods --list
  sluice bench methods --methods sluice,rw-64k --sizes 1MiB,1GiB --clients 64 --html ''`,
		Args: argsAtMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if list {
				return listMethods(cmd)
			}
			if cmd.Flags().Changed("roads") {
				conf.Methods = append(conf.Methods, oldNames...)
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
			if err := cmp.Or(checkRounds(conf.Rounds), conf.Check()); err != nil {
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
	f.StringSliceVar(&oldNames, "roads", nil, "`NAMES` of methods")
	_ = f.MarkDeprecated("roads", "it is called --methods now") // fails for a flag that does not exist
	f.StringSliceVar(&sizes, "sizes", []string{"64KiB", "1MiB", "100MiB"}, "`SIZES` of the files")
	f.IntSliceVar(&conf.Clients, "clients", []int{1, 16}, "`NUMBERS` of connections side by side")
	f.BoolVar(&conf.Cold, "cold", conf.Cold, "also measure with nothing of the file in the page cache")
	f.IntVar(&conf.Rounds, "rounds", 9, "`NUMBER` of rounds")
	f.DurationVar(&conf.Time, "time", 0, "measure each cell for this `TIME` in each round; 0: so that all takes less than two minutes")
	f.StringVar(&conf.Dir, "dir", "", "make the files in this `DIR`; '': in one that is on a disk, if there is")
	f.Uint64Var(&conf.Seed, "seed", 0, "`SEED` of the order in which cells are measured; 0: another in each run")
	res.flags(cmd, "bench-methods.html")
	return cmd
}

func listMethods(cmd *cobra.Command) error {
	for _, r := range methods.All() {
		about := r.About
		if r.Err != nil {
			about += fmt.Sprintf(" (not here: %v)", r.Err)
		}
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%-13s %s\n", r.Name, about); err != nil {
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

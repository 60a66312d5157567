package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/bench"
	"sluice/bench/peers"
	"sluice/bench/servers"
)

func benchCompareCommand() *cobra.Command {
	var (
		res              results
		conf             servers.Config
		names, workloads []string
		percent          float64
	)
	cmd := &cobra.Command{
		Use:   "compare http|ftp|store...",
		Short: "Compare this server with others that are installed",
		Long: `Start this server and the others that are installed, each tuned for the
purpose, on loopback, put the same load on them in turn, and stop them. A note
says how to install those that are missing.

The report begins with the answer: where Sluice is better than the best other
server, equal or worse, in CPU time, rate, 99th percentile and memory of idle
connections, with the ratio. It claims only differences that the rounds support.

The workloads named half-load send requests at half of the highest rate that
another server reached in the same run, and latency counts from when a request
was due. The row kernel-alone is no server but a limit: a loop that sends the
same part of a large file again and again.

With store, the servers have their files from a bucket of versitygw, an object
store, which runs with the client. It is measured too: asked directly, and its
CPU time behind each other server. sluice-2 and sluice-4 are so many processes;
sluice-redirect sends clients to the store. store-req/GET is how many requests
the store gets for one of a client.

Each server gets each workload nine times. Those whose CPU time or rate varies
by more than --precision get further rounds until --budget is spent.`,
		Example: `  sluice bench compare http
  sluice bench compare http ftp --json today.json --html today.html
  sluice bench compare http --servers sluice,nginx --workloads 1KiB,100MiB
  sluice bench compare store --store-program "$(tools/versitygw.sh)"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misused(cmd, errors.New("say what to compare: http, ftp, store or several of them"))
			}
			for i, scheme := range args {
				if slices.Contains(args[:i], scheme) {
					continue
				}
				of, err := servers.Workloads(scheme)
				if err != nil {
					return misused(cmd, err)
				}
				conf.Workloads = append(conf.Workloads, of...)
				conf.Peers = append(conf.Peers, peers.All(scheme)...)
			}
			var err error
			if conf.Peers, err = pick("--servers", conf.Peers, names, func(p peers.Peer) string { return p.Name }); err != nil {
				return misused(cmd, err)
			}
			if conf.Workloads, err = pick("--workloads", conf.Workloads, workloads, func(w servers.Workload) string { return w.Name }); err != nil {
				return misused(cmd, err)
			}
			if conf.Cores < 1 {
				return misused(cmd, fmt.Errorf("--cores %d: there must be at least one", conf.Cores))
			}
			if !cmd.Flags().Changed("cores") {
				conf.Cores = 0 // where a system cannot keep a server on one, all do
			}
			conf.Precision = percent / 100
			if err := cmp.Or(checkPrecision(percent, conf.Budget), conf.Check()); err != nil {
				return misused(cmd, err)
			}
			if conf.Self, err = self(); err != nil {
				return err
			}
			return res.run(cmd, func(b *benchRun) (*bench.Report, error) {
				conf.Progress = b.step
				return servers.Compare(cmd.Context(), conf)
			})
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&names, "servers", nil, "compare only the servers of these `NAMES`, separated by commas")
	f.StringSliceVar(&workloads, "workloads", nil, "compare only by the workloads of these `NAMES`, separated by commas")
	f.BoolVar(&conf.AccessLog, "access-log", false, "let all servers log each request to a file in the folder for temporary files")
	f.IntVar(&conf.Cores, "cores", 1, "give each server this `NUMBER` of processors, and as many workers; the client gets the others")
	f.IntVar(&conf.Rounds, "rounds", 0, "measure each workload on each server exactly this `NUMBER` of times; 0: nine times, and more often as --precision demands")
	f.DurationVar(&conf.Time, "time", 500*time.Millisecond, "measure for this `TIME` in each round, after a quarter of it as warm-up")
	f.Float64Var(&percent, "precision", 10, precisionUsage)
	f.DurationVar(&conf.Budget, "budget", 20*time.Minute, "begin no round beyond the ninth after this `TIME`")
	f.StringVar(&conf.StoreProgram, "store-program", "", "run versitygw from this `PATH` for store; '': that of SLUICE_VERSITYGW, or else the one on PATH")
	f.StringVar(&conf.Dir, "dir", "", "make the files to serve in this `DIR`; '': the system's folder for temporary files")
	res.flags(cmd, "")
	return cmd
}

// pick returns the elements of all with one of the names, or all if there are no
// names.
func pick[T any](flag string, all []T, names []string, nameOf func(T) string) ([]T, error) {
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	for _, x := range all {
		known = append(known, nameOf(x))
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("%s: there is no %q; there are %s", flag, name, strings.Join(slices.Compact(known), ", "))
		}
	}
	return slices.DeleteFunc(all, func(x T) bool { return !slices.Contains(names, nameOf(x)) }), nil
}

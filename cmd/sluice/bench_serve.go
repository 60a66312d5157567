package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sluice/bench"
	"sluice/bench/load"
	"sluice/bench/servers"
	"sluice/internal/config"
)

func benchServeCommand() *cobra.Command {
	var (
		res        results
		job        = load.Job{Kind: load.Download, RangeSize: 64 << 10, UploadSize: 1 << 20}
		kind       = string(job.Kind)
		rounds     int
		pid        int
		yesIOwnIt  bool
		rangeSize  = config.Bytes(job.RangeSize)
		uploadSize = config.Bytes(job.UploadSize)
	)
	cmd := &cobra.Command{
		Use:   "serve URL...",
		Short: "Put load on a running server, and measure it",
		Long: `Put load on a running server over http, https, ftp or ftps, and measure its
speed, latency and cost. All URLs must be on one server; {1..1000} in a URL
stands for a thousand of them.

The kinds of load are download (the URLs, whole), range (parts at random
offsets), upload (files below the URL, removed afterwards), churn (connect, log
in, disconnect) and idle (connect and stay connected).

With --rate requests begin when they are due, even if the server stalls, and
their latency counts from then: a stall shows in all requests that it delayed.
Without it, each client sends the next request when it has the response.

With --pid the report has the CPU time and memory of that process and its
descendants.`,
		Example: `  sluice bench serve http://127.0.0.1:8080/noise.bin
  sluice bench serve --clients 64 --rate 20000 --pid $(pgrep -o nginx) \
      http://127.0.0.1/{1..1000}.html
  sluice bench serve --kind upload --clients 4 --upload-size 16MiB \
      ftp://alice:secret@127.0.0.1:2121/`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misused(cmd, errors.New("name at least one URL"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			urls, err := load.Expand(args)
			if err != nil {
				return misused(cmd, err)
			}
			job.Kind, job.URLs = load.Kind(kind), urls
			job.RangeSize, job.UploadSize = int64(rangeSize), int64(uploadSize)
			if pid < 0 {
				return misused(cmd, fmt.Errorf("--pid %d is negative", pid))
			}
			if err := cmp.Or(checkRounds(rounds), job.Check()); err != nil {
				return misused(cmd, err)
			}
			if !yesIOwnIt {
				switch err := load.OnlyLoopback(cmd.Context(), urls); {
				case errors.Is(err, load.ErrRemote):
					return usageError{fmt.Errorf("%w; give --yes-i-own-it if you own the server", err)}
				case err != nil:
					return misused(cmd, err)
				}
			}
			return res.run(cmd, func(b *benchRun) (*bench.Report, error) {
				return servers.Measure(cmd.Context(), job, rounds, pid, b.step)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&kind, "kind", kind, "`KIND` of load: download, range, upload, churn or idle")
	f.IntVar(&job.Clients, "clients", 16, "`NUMBER` of concurrent connections")
	f.BoolVar(&job.Reconnect, "reconnect", false, "make a new connection for each request")
	f.Float64Var(&job.Rate, "rate", 0, "send this number of `REQUESTS` a second, of all clients together; 0: as many as possible")
	f.DurationVar(&job.Duration, "time", 2*time.Second, "measure for this `TIME` in each round")
	f.DurationVar(&job.Warmup, "warmup", 500*time.Millisecond, "`TIME` of load before each measurement")
	f.Int64Var(&job.Requests, "requests", 0, "end a round after this `NUMBER` of requests; 0: when its time is over")
	f.IntVar(&rounds, "rounds", 5, "`NUMBER` of rounds")
	f.Var(&rangeSize, "range-size", "request `SIZE` bytes at a time (--kind range)")
	f.Var(&uploadSize, "upload-size", "store `SIZE` bytes at a time (--kind upload)")
	f.Float64Var(&job.Verify, "verify", 0.01, "`SHARE` of the responses, from 0 to 1, whose content is checked")
	f.DurationVar(&job.Timeout, "timeout", 30*time.Second, "longest `TIME` to wait for the server without any progress")
	f.BoolVar(&job.InsecureTLS, "insecure", false, "accept any certificate")
	f.IntVar(&pid, "pid", 0, "account CPU time and memory of the process `PID` and its descendants")
	f.BoolVar(&yesIOwnIt, "yes-i-own-it", false, "allow a server that is not on this machine")
	res.flags(cmd, "")
	return cmd
}

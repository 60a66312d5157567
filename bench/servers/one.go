package servers

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"sluice/bench"
	"sluice/bench/load"
	"sluice/bench/proc"
)

// Measure runs a job on a server that runs already, in this number of rounds. If
// pid is not 0, that process and its descendants are the server.
func Measure(ctx context.Context, job load.Job, rounds, pid int, progress func(Step)) (*bench.Report, error) {
	if rounds < 1 {
		return nil, fmt.Errorf("%d rounds: there must be at least one", rounds)
	}
	begin := time.Now()
	c := newCell(string(job.Kind), bench.Pair{Name: "clients", Value: strconv.Itoa(job.Clients)})
	c.perRequest, c.perGB = true, job.Kind != load.Churn
	var usage func() (proc.Usage, error)
	if pid != 0 {
		usage = func() (proc.Usage, error) { return proc.Tree(pid) }
		if _, err := usage(); err != nil {
			return nil, fmt.Errorf("account process %d: %w", pid, err)
		}
	}
	step := Step{Total: rounds, What: string(job.Kind)}
	var err error
	for step.Done = 0; step.Done < rounds && err == nil; step.Done++ {
		if progress != nil {
			progress(step)
		}
		err = c.measure(ctx, []load.Job{job}, usage)
	}
	if len(c.metrics) == 0 {
		return nil, err
	}
	r := &bench.Report{
		Format: bench.Format, Title: string(job.Kind) + " from " + load.Redact(job.URLs[0]),
		Begin: begin, Elapsed: time.Since(begin).Seconds(),
		Host: bench.ThisHost(),
	}
	c.addTo(r)
	if noise := bench.NoiseNote(r, 0.1, "give it more time with --rounds or --time"); noise != "" {
		r.Answer = append(r.Answer, noise)
	}
	return r, err
}

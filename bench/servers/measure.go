package servers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"sluice/bench"
	"sluice/bench/load"
	"sluice/bench/peers"
	"sluice/bench/proc"
)

// cell gathers what the rounds of one workload on one server give.
type cell struct {
	subject string
	params  []bench.Pair
	server  *peers.Server // nil: one that runs already
	out     bool          // it has failed, and is not asked again

	perRequest, perGB bool // what the costs are divided by

	metrics []bench.Metric
	latency *hdrhistogram.Histogram
	asked   int64
	failed  map[string]int64
}

// errSilent is a round in which no request was answered.
var errSilent = errors.New("no request was answered")

func newCell(subject string, params ...bench.Pair) *cell {
	return &cell{subject: subject, params: params}
}

// add puts a figure of this round into the metric of that unit.
func (c *cell) add(unit string, better bench.Direction, value float64) {
	i := slices.IndexFunc(c.metrics, func(m bench.Metric) bool { return m.Unit == unit })
	if i < 0 {
		i = len(c.metrics)
		c.metrics = append(c.metrics, bench.Metric{Unit: unit, Better: better})
	}
	c.metrics[i].Samples = append(c.metrics[i].Samples, value)
}

// measure does the job once and adds what it gave. Usage tells what the
// server has used so far; nil is a server whose cost is not known.
func (c *cell) measure(ctx context.Context, job load.Job, usage func() (proc.Usage, error)) error {
	var before, after proc.Usage
	var errs [2]error
	if usage != nil {
		job.Begin = func() { before, errs[0] = usage() }
		job.End = func() { after, errs[1] = usage() }
	}
	res, err := load.Run(ctx, job)
	if err := errors.Join(err, errs[0], errs[1], context.Cause(ctx)); err != nil {
		return err
	}
	c.count(res)
	switch {
	case len(res.Errors) > 0 && res.Requests == 0:
		return fmt.Errorf("no request succeeded: %s", list(res.Errors))
	case res.Requests == 0 && (!c.perGB || res.Bytes == 0):
		return fmt.Errorf("%w in %v", errSilent, res.Elapsed.Round(time.Millisecond))
	}
	if job.Kind == load.Idle {
		c.addMemory(before, after, res.Requests)
		return nil
	}
	c.addRates(res)
	if usage != nil {
		c.addCosts(after.Sub(before), res)
	}
	c.addLatency(res)
	return nil
}

// count adds up the requests of all rounds.
func (c *cell) count(res *load.Result) {
	c.asked += res.Requests
	for what, n := range res.Errors {
		if c.failed == nil {
			c.failed = map[string]int64{}
		}
		c.asked += n
		c.failed[what] += n
	}
}

func (c *cell) addRates(res *load.Result) {
	seconds := res.Elapsed.Seconds()
	if c.perGB {
		c.add("MB/s", bench.Higher, float64(res.Bytes)/1e6/seconds)
	}
	if c.perRequest && res.Requests > 0 {
		c.add("req/s", bench.Higher, float64(res.Requests)/seconds)
	}
}

// addLatency adds what the requests took, if one ended: some take longer than
// a round.
func (c *cell) addLatency(res *load.Result) {
	if res.Latency.TotalCount() == 0 {
		return
	}
	for _, p := range []float64{50, 99} {
		c.add(fmt.Sprintf("p%v-us", p), bench.Lower, float64(res.Latency.ValueAtQuantile(p))/1e3)
	}
	if c.latency == nil {
		c.latency = res.Latency
		return
	}
	c.latency.Merge(res.Latency)
}

// addCosts divides what the server used by what it did.
func (c *cell) addCosts(used proc.Used, res *load.Result) {
	if c.perGB && res.Bytes > 0 {
		c.addCost(used, "GB", float64(res.Bytes)/1e9)
	}
	if c.perRequest && res.Requests > 0 {
		c.addCost(used, "100k", float64(res.Requests)/1e5)
	}
}

func (c *cell) addCost(used proc.Used, per string, done float64) {
	c.add("cpu-s/"+per, bench.Lower, used.CPU().Seconds()/done)
	c.add("user-s/"+per, bench.Lower, used.User.Seconds()/done)
	c.add("sys-s/"+per, bench.Lower, used.System.Seconds()/done)
	if used.Have.Has(proc.HaveSwitches) {
		c.add("switches/"+per, bench.Lower, float64(used.Switches)/done)
	}
}

// addMemory divides what the server has grown by the connections it holds.
func (c *cell) addMemory(before, after proc.Usage, connections int64) {
	if before.Have.Has(proc.HavePSS) && after.Have.Has(proc.HavePSS) {
		c.add("KiB/conn", bench.Lower, float64(after.PSS-before.PSS)/1024/float64(connections))
	}
}

// addTo puts the cell into a report, and a note if requests went wrong.
func (c *cell) addTo(r *bench.Report) {
	if c.out || len(c.metrics) == 0 {
		return
	}
	result := bench.Cell{Subject: c.subject, Params: c.params, Metrics: c.metrics}
	if c.latency != nil {
		result.Latency = bench.FromHistogram(c.latency)
	}
	r.Cells = append(r.Cells, result)
	if len(c.failed) == 0 {
		return
	}
	var failed int64
	for _, n := range c.failed {
		failed += n
	}
	r.Notes = append(r.Notes, fmt.Sprintf("%s, %s: %d of %d requests failed: %s", c.subject, name(c.params), failed, c.asked, list(c.failed)))
}

// name joins the values of parameters.
func name(params []bench.Pair) string {
	var values []string
	for _, p := range params {
		values = append(values, p.Value)
	}
	return strings.Join(values, ", ")
}

// list renders counted errors, in alphabetical order.
func list(errs map[string]int64) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(errs)) {
		parts = append(parts, fmt.Sprintf("%s (%d)", what, errs[what]))
	}
	return strings.Join(parts, ", ")
}

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

// A cell collects the figures of one workload on one server.
type cell struct {
	subject string
	params  []bench.Pair
	server  *peers.Server                                // nil: a server that runs already
	start   func(context.Context) (*peers.Server, error) // another one
	most    int                                          // connections that it can keep
	limit   bool                                         // it is no server, but the least that one can cost
	out     bool                                         // it has failed and gets no further rounds

	rounds, wanted int // measured; to be measured in all

	storeUsage func() (proc.Usage, error) // of the store behind the server; nil: none

	perRequest, perGB bool    // what the costs are divided by
	rate              float64 // requests a second; 0: as many as possible

	metrics []bench.Metric
	latency *hdrhistogram.Histogram
	asked   int64            // requests of all rounds
	failed  map[string]int64 // requests by error
	fewer   int              // idle connections of each round, because it can keep no more; 0: as many as wanted
	late    int64            // requests that were due and not answered at the end of their round
}

// missing returns how many rounds are to come.
func (c *cell) missing() int {
	if c.out {
		return 0
	}
	return max(c.wanted-c.rounds, 0)
}

// errSilent means that no request was answered in a round.
var errSilent = errors.New("no request was answered")

func newCell(subject string, params ...bench.Pair) *cell {
	return &cell{subject: subject, params: params}
}

// add adds a figure of this round to the metric of that unit.
func (c *cell) add(unit string, better bench.Direction, value float64) {
	i := slices.IndexFunc(c.metrics, func(m bench.Metric) bool { return m.Unit == unit })
	if i < 0 {
		i = len(c.metrics)
		c.metrics = append(c.metrics, bench.Metric{Unit: unit, Better: better})
	}
	c.metrics[i].Samples = append(c.metrics[i].Samples, value)
}

// measure runs the jobs once, at the same time, and adds the figures. usage returns what the server
// has used so far; it is nil if the cost of the server is not known.
func (c *cell) measure(ctx context.Context, jobs []load.Job, usage func() (proc.Usage, error)) error {
	var before, after, storeBefore, storeAfter proc.Usage
	var errs [4]error
	job := &jobs[0]
	if usage != nil {
		job.Begin = func() { before, errs[0] = usage() }
		job.End = func() { after, errs[1] = usage() }
	}
	if ours, of := *job, c.storeUsage; of != nil {
		job.Begin = func() { storeBefore, errs[2] = of(); ours.Begin() }
		job.End = func() { ours.End(); storeAfter, errs[3] = of() }
	}
	res, err := runAll(ctx, jobs)
	if err := errors.Join(append(errs[:], err, context.Cause(ctx))...); err != nil {
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
	if usage != nil {
		c.addCosts(after.Sub(before), res)
	}
	if c.storeUsage != nil {
		c.addStore(storeAfter.Sub(storeBefore), after, res)
	}
	if c.rate == 0 { // else the client sets the rate
		c.addRates(res)
	}
	c.addLatency(res)
	return nil
}

// count adds up the requests of all rounds.
func (c *cell) count(res *load.Result) {
	c.asked += res.Requests + res.Unfinished
	c.late += res.Unfinished
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

// fewestForTail is the number of requests from which a thousandth of them is one
// or more.
const fewestForTail = 1000

// addLatency adds the latencies, if a request ended: some take longer than a
// round.
func (c *cell) addLatency(res *load.Result) {
	if res.Latency.TotalCount() == 0 {
		return
	}
	for _, p := range []float64{50, 99, 99.9} {
		if p > 99 && res.Latency.TotalCount() < fewestForTail {
			break
		}
		c.add(fmt.Sprintf("p%v-us", p), bench.Lower, float64(res.Latency.ValueAtQuantile(p))/1e3)
	}
	if c.latency == nil {
		c.latency = res.Latency
		return
	}
	c.latency.Merge(res.Latency)
}

// addCosts adds the use of resources per GB and per request.
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

// addMemory adds by how much memory the server has grown per connection.
func (c *cell) addMemory(before, after proc.Usage, connections int64) {
	if before.Have.Has(proc.HavePSS) && after.Have.Has(proc.HavePSS) {
		c.add("KiB/conn", bench.Lower, float64(after.PSS-before.PSS)/1024/float64(connections))
	}
}

// addTo adds the cell to a report, and a note if requests failed.
func (c *cell) addTo(r *bench.Report) {
	if c.out || len(c.metrics) == 0 {
		return
	}
	result := bench.Cell{Subject: c.subject, Limit: c.limit, Params: c.params, Metrics: c.metrics}
	if c.latency != nil {
		result.Latency = bench.FromHistogram(c.latency)
	}
	r.Cells = append(r.Cells, result)
	if c.fewer > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%s, %s: measured with %d further connections, because the limit of descriptors lets it keep no more than %d", c.subject, name(c.params), c.fewer, c.most))
	}
	if c.rate > 0 && c.late*lateShare > c.asked {
		r.Notes = append(r.Notes, fmt.Sprintf("%s, %s: it does not keep up with the rate: %d of %d requests were not answered at the end of their round, and its latency depends on --time", c.subject, name(c.params), c.late, c.asked))
	}
	if len(c.failed) == 0 {
		return
	}
	var failed int64
	for _, n := range c.failed {
		failed += n
	}
	r.Notes = append(r.Notes, fmt.Sprintf("%s, %s: %d of %d requests failed: %s", c.subject, name(c.params), failed, c.asked, list(c.failed)))
}

// lateShare: a server that leaves one request in so many unanswered does not keep
// up. At the end of a round some are always under way.
const lateShare = 50

// name returns the values of parameters, with commas.
func name(params []bench.Pair) string {
	var values []string
	for _, p := range params {
		values = append(values, p.Value)
	}
	return strings.Join(values, ", ")
}

// list returns counted errors in alphabetical order.
func list(errs map[string]int64) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(errs)) {
		parts = append(parts, fmt.Sprintf("%s (%d)", what, errs[what]))
	}
	return strings.Join(parts, ", ")
}

package methods

import (
	"fmt"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"sluice/bench"
	"sluice/bench/load"
)

// A cache is the state of the page cache before a request.
type cache string

const (
	hot  cache = "hot"
	cold cache = "cold"
)

// A cell is a method under one set of parameters, and its measurements.
type cell struct {
	method  method
	size    int64
	clients int
	cache   cache

	wanted       int                     // rounds that it is to have
	rounds       int                     // that it has
	metrics      []bench.Metric          // in the order of the first round
	latency      *hdrhistogram.Histogram // of all rounds
	user, system time.Duration           // of all rounds
	calls        []float64               // per GB, once or never
}

// cells returns all combinations. Cold ones are with the first number of clients
// only: several clients would find the file that one of them has just read.
func cells(methods []method, c *Config, caches ...cache) []*cell {
	var all []*cell
	for _, state := range caches {
		for _, size := range c.Sizes {
			for i, clients := range c.Clients {
				if state == cold && i > 0 {
					continue
				}
				for _, m := range methods {
					all = append(all, &cell{method: m, size: size, clients: clients, cache: state})
				}
			}
		}
	}
	return all
}

func (c *cell) String() string {
	return fmt.Sprintf("%s, %s, %d clients, %s", c.method.name, sizeName(c.size), c.clients, c.cache)
}

// add adds a round: what the clients got, which must be some bytes, and what the
// server used in about the same time.
func (c *cell) add(res *load.Result, used usage) {
	c.rounds++
	if used.Known {
		// Both times begin and end with the same events, but a busy server
		// answers late: compare the use per second.
		perGB := 1e9 / float64(res.Bytes) * res.Elapsed.Seconds() / used.At.Seconds()
		c.sample("cpu-s/GB", bench.Lower, (used.User+used.System).Seconds()*perGB)
		c.user += used.User
		c.system += used.System
		c.sample("switches/GB", bench.Lower, float64(used.Switches)*perGB)
	}
	c.sample("MB/s", bench.Higher, float64(res.Bytes)/1e6/res.Elapsed.Seconds())
	// If a round is too short for each client to finish a request, the
	// latencies are those of the fastest ones.
	if res.Requests >= int64(c.clients) {
		c.sample("p50-us", bench.Lower, micros(res.Latency, 50))
		c.sample("p99-us", bench.Lower, micros(res.Latency, 99))
		if c.latency == nil {
			c.latency = res.Latency
		} else {
			c.latency.Merge(res.Latency)
		}
	}
}

func micros(h *hdrhistogram.Histogram, percent float64) float64 {
	return float64(h.ValueAtPercentile(percent)) / float64(time.Microsecond)
}

func (c *cell) sample(unit string, better bench.Direction, value float64) {
	for i := range c.metrics {
		if m := &c.metrics[i]; m.Unit == unit {
			m.Samples = append(m.Samples, value)
			return
		}
	}
	c.metrics = append(c.metrics, bench.Metric{Unit: unit, Better: better, Samples: []float64{value}})
}

// report returns the cell for a report, without metrics that some rounds lack.
func (c *cell) report() bench.Cell {
	r := bench.Cell{
		Subject: c.method.name,
		Params: []bench.Pair{
			{Name: "size", Value: sizeName(c.size)},
			{Name: "clients", Value: strconv.Itoa(c.clients)},
			{Name: "cache", Value: string(c.cache)},
		},
	}
	for _, m := range c.metrics {
		if len(m.Samples) < c.rounds {
			continue
		}
		r.Metrics = append(r.Metrics, m)
		if m.Unit == "cpu-s/GB" && c.user+c.system > 0 {
			r.Metrics = append(r.Metrics, c.split(m)...)
		}
		if m.Unit == "p50-us" {
			r.Latency = bench.FromHistogram(c.latency)
		}
	}
	if c.calls != nil {
		r.Metrics = append(r.Metrics, bench.Metric{Unit: "calls/GB", Better: bench.Lower, Samples: c.calls})
	}
	return r
}

// split divides the processor time into that of the program and that of the
// kernel, by their shares in all rounds: a single round is too short for the
// ticks by which the kernel distinguishes them.
func (c *cell) split(cpu bench.Metric) []bench.Metric {
	median := cpu.Summary().Median
	user := median * c.user.Seconds() / (c.user + c.system).Seconds()
	return []bench.Metric{
		{Unit: "user-s/GB", Better: bench.Lower, Samples: []float64{user}},
		{Unit: "sys-s/GB", Better: bench.Lower, Samples: []float64{median - user}},
	}
}

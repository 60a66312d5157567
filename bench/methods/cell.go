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

// A cell is a method under one set of parameters, and what was measured of it.
type cell struct {
	method  method
	size    int64
	clients int
	cache   cache

	metrics      []bench.Metric          // in the order of the first window
	windows      int                     // so many samples a metric has that every window could tell
	latency      *hdrhistogram.Histogram // of all windows
	user, system time.Duration           // of all windows
	calls        []float64               // per GB; one or none
}

// cells returns all combinations; cold ones with the first number of clients
// only, because others would find the file that one has just dropped.
func cells(methods []method, c *Config, caches ...cache) []*cell {
	var all []*cell
	for _, temperature := range caches {
		for _, size := range c.Sizes {
			for i, clients := range c.Clients {
				if temperature == cold && i > 0 {
					continue
				}
				for _, r := range methods {
					all = append(all, &cell{method: r, size: size, clients: clients, cache: temperature})
				}
			}
		}
	}
	return all
}

func (c *cell) String() string {
	return fmt.Sprintf("%s, %s, %d clients, %s", c.method.name, sizeName(c.size), c.clients, c.cache)
}

// add takes in a window: what the clients had, and what the server used in
// about the same time. It must have moved bytes.
func (c *cell) add(res *load.Result, used account) {
	c.windows++
	c.sample("MB/s", bench.Higher, float64(res.Bytes)/1e6/res.Elapsed.Seconds())
	if used.Known {
		// The two windows begin and end with the same events, but a busy
		// server answers late. So what counts is the use each second.
		perGB := 1e9 / float64(res.Bytes) * res.Elapsed.Seconds() / used.At.Seconds()
		c.sample("cpu-s/GB", bench.Lower, (used.User+used.System).Seconds()*perGB)
		c.user += used.User
		c.system += used.System
		c.sample("switches/GB", bench.Lower, float64(used.Switches)*perGB)
	}
	// Where a window is too short for each client to have finished a request,
	// those that have are the lucky ones.
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

// report returns the cell for a report. What some windows could not tell is
// left out, latencies with it.
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
		if len(m.Samples) < c.windows {
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

// split splits the processor time into that of the program and that of the
// kernel, by their shares in all windows: a single one is too short for the
// ticks by which the kernel tells them apart.
func (c *cell) split(cpu bench.Metric) []bench.Metric {
	median := cpu.Summary().Median
	user := median * c.user.Seconds() / (c.user + c.system).Seconds()
	return []bench.Metric{
		{Unit: "user-s/GB", Better: bench.Lower, Samples: []float64{user}},
		{Unit: "sys-s/GB", Better: bench.Lower, Samples: []float64{median - user}},
	}
}

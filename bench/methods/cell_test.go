package methods

import (
	"math"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"sluice/bench"
	"sluice/bench/load"
)

// result is a round of one second and one GB.
func result(requests int64) *load.Result {
	h := hdrhistogram.New(1000, 1e10, 3)
	for range requests {
		_ = h.RecordValue(2e6)
	}
	return &load.Result{Elapsed: time.Second, Bytes: 1e9, Requests: requests, Latency: h}
}

func samples(c bench.Cell, unit string) []float64 {
	for _, m := range c.Metrics {
		if m.Unit == unit {
			return m.Samples
		}
	}
	return nil
}

func near(got []float64, want ...float64) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if math.Abs(got[i]-want[i]) > want[i]/100 {
			return false
		}
	}
	return true
}

func TestFiguresOfACell(t *testing.T) {
	c := &cell{method: allMethods[0], size: 1 << 20, clients: 4, cache: hot}
	c.add(result(10), usage{At: time.Second, User: 100 * time.Millisecond, System: 300 * time.Millisecond, Switches: 500, Known: true})
	// The time of the server is twice as long, with the same use per second.
	c.add(result(10), usage{At: 2 * time.Second, User: 200 * time.Millisecond, System: 600 * time.Millisecond, Switches: 1000, Known: true})
	c.calls = []float64{7}
	got := c.report()
	for unit, want := range map[string][]float64{
		"MB/s": {1000, 1000}, "cpu-s/GB": {0.4, 0.4}, "user-s/GB": {0.1}, "sys-s/GB": {0.3},
		"switches/GB": {500, 500}, "p50-us": {2000, 2000}, "p99-us": {2000, 2000}, "calls/GB": {7},
	} {
		if s := samples(got, unit); !near(s, want...) {
			t.Errorf("%s = %v, want %v", unit, s, want)
		}
	}
	if len(got.Metrics) != 8 || got.Latency == nil || got.Latency.Count != 20 {
		t.Errorf("got %d metrics and the latencies %+v, want 8 and 20 of them", len(got.Metrics), got.Latency)
	}
}

func TestMetricsThatSomeRoundsLackAreLeftOut(t *testing.T) {
	c := &cell{method: allMethods[0], size: 1 << 20, clients: 4, cache: hot}
	c.add(result(10), usage{At: time.Second})
	c.add(result(3), usage{At: time.Second}) // a client has no request
	got := c.report()
	if len(got.Metrics) != 1 || got.Metrics[0].Unit != "MB/s" || got.Latency != nil {
		t.Errorf("got %+v and the latencies %v, want MB/s alone", got.Metrics, got.Latency)
	}
}

func TestRoundsFitTheBudget(t *testing.T) {
	for _, tt := range []struct{ available, want time.Duration }{
		{time.Minute, longestWindow},
		{120 * time.Millisecond, 100 * time.Millisecond}, // and 20 ms for the warm-up
		{20 * time.Millisecond, shortestWindow},
		{-time.Second, shortestWindow},
	} {
		if got := fittingWindow(tt.available); got != tt.want {
			t.Errorf("%v for a cell: %v, want %v", tt.available, got, tt.want)
		}
	}
}

// steady is a round with this rate in MB/s.
func steady(rate float64) *load.Result {
	res := result(10)
	res.Bytes = int64(rate * 1e6)
	return res
}

func TestOnlyImpreciseCellsGetFurtherRounds(t *testing.T) {
	newRun := func(c Config) *run {
		r := &run{Config: c, cells: []*cell{{size: 1, clients: 1, wanted: 9}, {size: 2, clients: 1, wanted: 9}}}
		for i := range 9 {
			r.cells[0].add(steady(1000), usage{})
			r.cells[1].add(steady(1000+100*float64(i-4)/4*1.5), usage{}) // ± 15 %
		}
		return r
	}
	r := newRun(Config{Precision: 0.1})
	due := r.due()
	if len(due) != 1 || due[0] != r.cells[1] || due[0].wanted != 18 || r.missing() != 9 {
		t.Errorf("got %d cells due and %d rounds missing, want the second cell for 9 rounds more", len(due), r.missing())
	}
	r.cells[1].add(steady(1000), usage{})
	if due := r.due(); len(due) != 1 || due[0].wanted != 18 {
		t.Errorf("after one round more got %d cells due, want it to stay with 18 rounds", len(due))
	}
	if due := newRun(Config{Precision: 0.2}).due(); len(due) != 0 {
		t.Errorf("got %d cells due, want none with ± 15 %% where 20 %% are wanted", len(due))
	}
	if due := newRun(Config{Precision: 0.1, Rounds: 9}).due(); len(due) != 0 {
		t.Errorf("got %d cells due, want none after all rounds of a fixed number", len(due))
	}
}

func TestSizesAreNamedByTheLargestUnit(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 1: "1B", 1000: "1000B", 64 << 10: "64KiB", 100 << 20: "100MiB", 3 << 30: "3GiB", 2048 << 30: "2048GiB"} {
		if got := sizeName(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

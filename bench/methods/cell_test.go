package methods

import (
	"math"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"sluice/bench"
	"sluice/bench/load"
)

// result is a window of a second in which a GB came.
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
	c := &cell{method: table[0], size: 1 << 20, clients: 4, cache: hot}
	c.add(result(10), account{At: time.Second, User: 100 * time.Millisecond, System: 300 * time.Millisecond, Switches: 500, Known: true})
	// The server's window was twice as long, and it used as much each second.
	c.add(result(10), account{At: 2 * time.Second, User: 200 * time.Millisecond, System: 600 * time.Millisecond, Switches: 1000, Known: true})
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

func TestWhatAWindowCannotTellIsAbsent(t *testing.T) {
	c := &cell{method: table[0], size: 1 << 20, clients: 4, cache: hot}
	c.add(result(10), account{At: time.Second})
	c.add(result(3), account{At: time.Second}) // a client has no request
	got := c.report()
	if len(got.Metrics) != 1 || got.Metrics[0].Unit != "MB/s" || got.Latency != nil {
		t.Errorf("got %+v and the latencies %v, want MB/s alone", got.Metrics, got.Latency)
	}
}

func TestWindowsFitTheTime(t *testing.T) {
	for _, tt := range []struct{ there, want time.Duration }{
		{time.Hour, longestWindow},
		{6 * time.Second, 100 * time.Millisecond}, // and 20 ms for each warm-up
		{time.Second, shortestWindow},
		{-time.Second, shortestWindow},
	} {
		if got := fittingWindow(tt.there, 50); got != tt.want {
			t.Errorf("%v for 50 cells: %v, want %v", tt.there, got, tt.want)
		}
	}
}

func TestSizesAreNamedByTheLargestUnit(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 1: "1B", 1000: "1000B", 64 << 10: "64KiB", 100 << 20: "100MiB", 3 << 30: "3GiB", 2048 << 30: "2048GiB"} {
		if got := sizeName(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

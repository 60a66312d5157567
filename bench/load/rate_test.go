package load_test

import (
	"io"
	"math"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"sluice/bench/load"
)

// stalls answers at once, but for one second after the tenth request it answers
// nobody.
func stalls() http.HandlerFunc {
	var requests, until atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) == 10 {
			until.Store(time.Now().Add(time.Second).UnixNano())
		}
		time.Sleep(time.Until(time.Unix(0, until.Load())))
		_, _ = io.WriteString(w, "hello")
	}
}

func TestAStallShowsAtAFixedRate(t *testing.T) {
	job := load.Job{Kind: load.Download, Clients: 4, Duration: 2 * time.Second}
	const quarter, half = int64(250 * time.Millisecond), int64(500 * time.Millisecond)

	t.Run("in all requests that it delayed", func(t *testing.T) {
		t.Parallel()
		job := job
		job.URLs, job.Rate = []string{newSite(t, "http", stalls()).URL}, 200
		res := run(t, job)
		noErrors(t, res)
		// 200 of 400 requests are due during the stall, and wait half a second on average.
		if p99, p75 := res.Latency.ValueAtPercentile(99), res.Latency.ValueAtPercentile(75); p99 < half || p75 < quarter {
			t.Errorf("p99 = %v, p75 = %v, want more than %v and %v",
				time.Duration(p99), time.Duration(p75), time.Duration(half), time.Duration(quarter))
		}
	})
	t.Run("but not in a closed loop", func(t *testing.T) {
		t.Parallel()
		job := job
		job.URLs, job.Requests, job.Duration = []string{newSite(t, "http", stalls()).URL}, 1000, 0
		res := run(t, job)
		noErrors(t, res)
		// Four of a thousand requests wait; no others begin meanwhile.
		if p99, most := res.Latency.ValueAtPercentile(99), res.Latency.Max(); p99 > half || most < half {
			t.Errorf("p99 = %v, max %v of %d, want below and above %v",
				time.Duration(p99), time.Duration(most), res.Requests, time.Duration(half))
		}
	})
	t.Run("even if it lasts to the end", func(t *testing.T) {
		t.Parallel()
		release := make(chan struct{})
		defer close(release)
		var requests atomic.Int64
		s := newSite(t, "http", func(w http.ResponseWriter, _ *http.Request) {
			if requests.Add(1) > 10 {
				<-release
			}
		})
		job := job
		job.URLs, job.Rate, job.Duration = []string{s.URL}, 100, time.Second
		res := run(t, job)
		noErrors(t, res)
		due := job.Rate * res.Elapsed.Seconds() // one more is due at the start
		if all := res.Requests + res.Unfinished; res.Requests != 9 || math.Abs(float64(all)-due) > 2 || res.Latency.TotalCount() != all {
			t.Errorf("%d requests, %d unfinished, %d times in %v, want 9, all that were due, and the sum",
				res.Requests, res.Unfinished, res.Latency.TotalCount(), res.Elapsed)
		}
		if p50 := res.Latency.ValueAtPercentile(50); p50 < quarter {
			t.Errorf("p50 = %v, want more than %v", time.Duration(p50), time.Duration(quarter))
		}
	})
}

func TestLatencyIsTheTimeOfTheServer(t *testing.T) {
	const delay = 20 * time.Millisecond
	s := newSite(t, "http", func(http.ResponseWriter, *http.Request) { time.Sleep(delay) })
	for name, rate := range map[string]float64{"in a closed loop": 0, "at a fixed rate": 100} {
		t.Run(name, func(t *testing.T) {
			res := run(t, load.Job{Kind: load.Download, URLs: []string{s.URL}, Clients: 10, Requests: 20, Rate: rate})
			// Requests under way at the end count with less. Values are within 0.1 %.
			if p50 := time.Duration(res.Latency.ValueAtPercentile(50)); p50 < delay*999/1000 {
				t.Errorf("half took less than %v, want at least %v", p50, delay)
			}
		})
	}
}

func TestTheRateIsKept(t *testing.T) {
	s := newSite(t, "http", files(10))
	begin := time.Now()
	res := run(t, load.Job{Kind: load.Download, URLs: []string{s.URL}, Clients: 4, Rate: 200, Requests: 100})
	if res.Requests != 100 || time.Since(begin) < 490*time.Millisecond {
		t.Errorf("%d requests at 200/s in %v, want 100 in half a second or more", res.Requests, time.Since(begin))
	}
}

package load

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A counter counts what one client has done since the start, for Progress. It
// is written by one goroutine and read by others.
type counter struct {
	requests, errors, bytes atomic.Int64
	_                       [40]byte // a cache line of its own
}

// A tally is the measurements of some clients.
type tally struct {
	mu         sync.Mutex // guards the following fields
	latency    *hdrhistogram.Histogram
	requests   int64
	unfinished int64
	verified   int64
	errors     map[string]int64
}

// The range and precision of recorded times.
const (
	shortest = time.Microsecond
	longest  = 10 * time.Minute
	digits   = 3
)

func newTally() *tally {
	return &tally{
		latency: hdrhistogram.New(int64(shortest), int64(longest), digits),
		errors:  make(map[string]int64),
	}
}

// recordLocked records a time, or the nearest in range.
func (t *tally) recordLocked(d time.Duration) {
	_ = t.latency.RecordValue(int64(min(max(d, shortest), longest))) // fails out of range only
}

// newResult returns an empty result.
func newResult() *Result {
	return &Result{Latency: newTally().latency, Errors: make(map[string]int64)}
}

// addTo adds t to a result.
func (t *tally) addTo(r *Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.Latency.Merge(t.latency)
	r.Requests += t.requests
	r.Unfinished += t.unfinished
	r.Verified += t.verified
	for kind, n := range t.errors {
		r.Errors[kind] += n
	}
}

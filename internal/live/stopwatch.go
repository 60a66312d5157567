package live

import (
	"sync/atomic"
	"time"
)

// stopwatch sums up the time that it runs. One goroutine starts and stops it; any
// may read it. Times are durations since the same moment.
//
// The value is the sum or, while the stopwatch runs, sum - start - 1, which is
// negative because the sum is at most start.
type stopwatch struct{ v atomic.Int64 }

func (w *stopwatch) start(at time.Duration) { w.v.Add(-int64(at) - 1) }

func (w *stopwatch) stop(at time.Duration) { w.v.Add(int64(at) + 1) }

func (w *stopwatch) read(at time.Duration) time.Duration {
	v := w.v.Load()
	if v < 0 {
		v = max(v+int64(at)+1, 0) // at may be before the start
	}
	return time.Duration(v)
}

package live

import (
	"sync/atomic"
	"time"
)

// stopwatch adds up the time that something lasts. One goroutine starts and
// stops it, any may read it. All give the time since one beginning.
//
// It holds the sum, or, while it runs, the sum less the moment of its start and
// one, which is negative, as the sum is not longer than all of the time.
type stopwatch struct{ v atomic.Int64 }

func (w *stopwatch) start(at time.Duration) { w.v.Add(-int64(at) - 1) }

func (w *stopwatch) stop(at time.Duration) { w.v.Add(int64(at) + 1) }

func (w *stopwatch) read(at time.Duration) time.Duration {
	v := w.v.Load()
	if v < 0 {
		v = max(v+int64(at)+1, 0) // at may be from before the start
	}
	return time.Duration(v)
}

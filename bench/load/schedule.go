package load

import (
	"context"
	"time"
)

// A schedule is when requests are to begin: number i at i/rate seconds.
type schedule struct {
	rate float64
	next int64
}

// due returns when the next request is.
func (s *schedule) due() time.Duration {
	return time.Duration(float64(s.next) / s.rate * float64(time.Second))
}

// issue hands out requests when they are due, until ctx ends. If all clients
// are busy the next one waits here, and keeps its time: whoever is free first
// takes it, late.
func (r *run) issue(ctx context.Context, tickets chan<- time.Duration) {
	alarm := newAlarm(ctx)
	defer alarm.close()
	for ; ; r.schedule.next++ {
		due := r.schedule.due()
		if wait := due - r.now(); wait > 0 && !alarm.sleep(wait) {
			return
		}
		select {
		case tickets <- due:
		case <-ctx.Done():
			return
		}
	}
}

// neverIssued accounts for the requests that were due and that no client was
// free to begin. issue has returned.
func (r *run) neverIssued() {
	for ; r.schedule.due() < r.end; r.schedule.next++ {
		r.unfinished(r.tallies[0], r.schedule.due())
	}
}

// sleep waits for d, and reports false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

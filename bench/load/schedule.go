package load

import (
	"context"
	"time"
)

// A schedule is when requests are due: number i at i/rate seconds.
type schedule struct {
	rate float64
	next int64
}

// due returns when the next request is due.
func (s *schedule) due() time.Duration {
	return time.Duration(float64(s.next) / s.rate * float64(time.Second))
}

// issue hands out requests when they are due, until ctx ends. If all clients are
// busy, the next request waits here with its time, and the first free client
// sends it late.
func (r *run) issue(ctx context.Context, dueTimes chan<- time.Duration) {
	alarm := newAlarm(ctx)
	defer alarm.close()
	for ; ; r.schedule.next++ {
		due := r.schedule.due()
		if wait := due - r.now(); wait > 0 && !alarm.sleep(wait) {
			return
		}
		select {
		case dueTimes <- due:
		case <-ctx.Done():
			return
		}
	}
}

// countNeverIssued records the requests that were due but that no client was
// free to send. issue has returned.
func (r *run) countNeverIssued() {
	for ; r.schedule.due() < r.end; r.schedule.next++ {
		r.unfinished(r.tallies[0], r.schedule.due())
	}
}

// sleep waits for d, and returns false if ctx ends first.
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

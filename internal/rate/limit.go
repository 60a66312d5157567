package rate

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Limit is a number of bytes per second that any number of transfers share in
// equal parts. Its methods may be called from any goroutine.
//
// It keeps no tokens but a moment: when all that was booked will have gone at
// that rate. Who books next waits until then, so that transfers take turns, in
// the order in which they ask.
type Limit struct {
	rate    float64      // bytes per second
	waiting atomic.Int32 // transfers that wait for their turn

	mu   sync.Mutex // guards the field below
	free time.Time  // when all that was booked will have gone
}

const (
	// turn is what a transfer is granted at once, as time at its part of the
	// rate. Each turn costs a timer and a system call, so it is made longer, up
	// to longestTurn, where it would be a few bytes only.
	turn        = 50 * time.Millisecond
	longestTurn = 100 * time.Millisecond
	fewBytes    = 16 << 10

	// leastGrant is for rates, and numbers of transfers, for which even that is
	// less than a packet.
	leastGrant = 1 << 10

	// credit is how much of the time in which nothing was asked for can be made
	// up for: timers are late, and a client may need a moment to take its bytes.
	credit = 100 * time.Millisecond
)

// New returns a limit of so many bytes per second, which must be more than 0.
// It allows nothing for the time before.
func New(bytesPerSecond int64) *Limit {
	return &Limit{rate: float64(bytesPerSecond), free: time.Now()}
}

// NewLimiter is New for a rate of which zero or less is no limit: nil, and not
// a nil *Limit in an interface.
func NewLimiter(bytesPerSecond int64) Limiter {
	if bytesPerSecond <= 0 {
		return nil
	}
	return New(bytesPerSecond)
}

// Wait waits for a turn, and returns how many of the next n bytes it is for,
// from 1 to n. They are booked: what does not go is to be returned. When ctx
// ends first the error is its cause, and nothing is booked.
func (l *Limit) Wait(ctx context.Context, n int) (int, error) {
	n = l.grant(n)
	wait := l.book(n)
	if wait <= 0 {
		return n, nil
	}
	l.waiting.Add(1)
	defer l.waiting.Add(-1)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return n, nil
	case <-ctx.Done():
		l.Return(n)
		return 0, context.Cause(ctx)
	}
}

// Return gives back n bytes that were granted and have not gone.
func (l *Limit) Return(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = l.free.Add(-l.lasts(n))
}

// grant returns how many of n bytes a turn is for.
func (l *Limit) grant(n int) int {
	part := l.rate / float64(l.waiting.Load()+1) // of those who wait, and of who asks
	size := min(max(part*turn.Seconds(), fewBytes), part*longestTurn.Seconds())
	return int(min(float64(n), max(size, min(leastGrant, l.rate), 1)))
}

// book books n bytes and returns how long to wait before they may go.
func (l *Limit) book(n int) time.Duration {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if earliest := now.Add(-credit); l.free.Before(earliest) {
		l.free = earliest
	}
	wait := l.free.Sub(now)
	l.free = l.free.Add(l.lasts(n))
	return wait
}

// lasts returns how long n bytes take.
func (l *Limit) lasts(n int) time.Duration {
	return time.Duration(float64(n) / l.rate * float64(time.Second))
}

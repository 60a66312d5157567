package rate

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Limit is a rate that any number of transfers share in equal parts. It is safe
// for concurrent use.
type Limit struct {
	rate    float64      // bytes per second
	waiting atomic.Int32 // transfers in Wait

	mu       sync.Mutex // guards the field below
	nextFree time.Time  // when all reserved bytes will have been sent
}

const (
	// turn is the size of a grant, as time at the transfer's part of the rate.
	// Each grant costs a timer and a system call, so it is longer, up to maxTurn,
	// if it would be less than minTurnBytes.
	turn         = 50 * time.Millisecond
	maxTurn      = 100 * time.Millisecond
	minTurnBytes = 16 << 10

	// minGrantBytes is the least grant, where maxTurn is less than a packet.
	minGrantBytes = 1 << 10

	// maxCredit is how much idle time a Limit makes up for, because timers are
	// late and a client may need a moment to take its bytes.
	maxCredit = 100 * time.Millisecond
)

// New returns a limit of bytesPerSecond, which must be positive. There is no credit
// for the time before.
func New(bytesPerSecond int64) *Limit {
	l := new(Limit)
	l.start(bytesPerSecond)
	return l
}

// start makes the zero Limit l that of New.
func (l *Limit) start(bytesPerSecond int64) {
	l.rate, l.nextFree = float64(bytesPerSecond), time.Now()
}

// NewLimiter is New, but returns a nil Limiter, which means no limit, if the rate is
// not positive.
func NewLimiter(bytesPerSecond int64) Limiter {
	if bytesPerSecond <= 0 {
		return nil
	}
	return New(bytesPerSecond)
}

// Wait blocks until some of the next n bytes may be sent, and returns how many, from
// 1 to n. The caller passes bytes that it does not send to Return. If ctx ends
// first, the error is its cause and there is nothing to return.
func (l *Limit) Wait(ctx context.Context, n int) (int, error) {
	n = l.grant(n)
	wait := l.reserve(n)
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

// Return gives back n bytes that were granted and not sent.
func (l *Limit) Return(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nextFree = l.nextFree.Add(-l.duration(n))
}

// grant returns how many of n bytes to grant at once.
func (l *Limit) grant(n int) int {
	part := l.rate / float64(l.waiting.Load()+1) // of the rate, for each waiting transfer and this one
	size := min(max(part*turn.Seconds(), minTurnBytes), part*maxTurn.Seconds())
	return int(min(float64(n), max(size, min(minGrantBytes, l.rate), 1)))
}

// reserve reserves n bytes and returns how long to wait before they may be sent.
func (l *Limit) reserve(n int) time.Duration {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if earliest := now.Add(-maxCredit); l.nextFree.Before(earliest) {
		l.nextFree = earliest
	}
	wait := l.nextFree.Sub(now)
	l.nextFree = l.nextFree.Add(l.duration(n))
	return wait
}

// duration returns how long n bytes take at the rate of l.
func (l *Limit) duration(n int) time.Duration {
	return time.Duration(float64(n) / l.rate * float64(time.Second))
}

package netconn

import (
	"context"

	"sluice/internal/live"
	"sluice/internal/rate"
)

// LimitConfig is the limits of bandwidth for each response. The zero value is none.
type LimitConfig struct {
	Rate, After int64        // bytes per second behind the first After bytes; a Rate of 0 or less is no limit
	User        rate.Limiter // shared with other responses to the same user; nil: none
	Limiter     rate.Limiter // shared with other responses; nil: none
}

// Limits are the limits of one response. Nil is none.
type Limits struct {
	throttle *rate.Throttle
	wait     func(ctx context.Context, n int) (int, error)
}

// Begin returns the limits of a body of size bytes, negative if that is not known.
// Waiting for them ends with ctx, which is not that of the request (see the package
// comment). The time that t waits for them is recorded; t may be nil.
func (c *LimitConfig) Begin(ctx context.Context, size int64, t *live.Transfer) *Limits {
	if c.Rate <= 0 && c.User == nil && c.Limiter == nil {
		return nil
	}
	l := &Limits{throttle: rate.Begin(size, rate.PerTransfer{Rate: c.Rate, After: c.After}, c.User, c.Limiter)}
	l.wait = t.Limited(func(_ context.Context, n int) (int, error) { return l.throttle.Wait(ctx, n) })
	return l
}

// Take waits until some of the next n bytes may be sent and returns how many.
func (l *Limits) Take(n int) (int, error) {
	if l == nil {
		return n, nil
	}
	return l.wait(context.Background(), n) // the context of Begin ends the wait
}

// Hook returns the function for sendfile.Options.Wait.
func (l *Limits) Hook() func(ctx context.Context, n int) (int, error) {
	if l == nil {
		return nil
	}
	return l.wait
}

// Before returns the same limits, which call f before each wait.
func (l *Limits) Before(f func()) *Limits {
	if l == nil {
		return nil
	}
	return &Limits{throttle: l.throttle, wait: func(ctx context.Context, n int) (int, error) {
		f()
		return l.wait(ctx, n)
	}}
}

// Close ends the body, of which so many bytes were sent.
func (l *Limits) Close(sent int64) {
	if l != nil {
		l.throttle.Close(sent)
	}
}

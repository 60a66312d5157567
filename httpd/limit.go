package httpd

import (
	"context"

	"sluice/internal/live"
	"sluice/internal/rate"
)

// Limiter is a limit of bandwidth that responses share, whichever server they
// are of:
//
//	// Wait blocks until some of the next n bytes may go and returns how many, from 1 to n, or the cause of ctx when
//	// that ends first. n is all that is to come, as far as that is known.
//	Wait(ctx context.Context, n int) (int, error)
//
//	// Return gives back n bytes that Wait has granted and that have not gone.
//	Return(n int)
//
// Both are called from many goroutines.
type Limiter = rate.Limiter

// NewLimiter returns a Limiter that grants bytesPerSecond bytes per second, shared
// equally by all who wait. Zero or less is no limit: then it returns nil.
func NewLimiter(bytesPerSecond int64) Limiter { return rate.NewLimiter(bytesPerSecond) }

// limits are those that hold for one body. Nil: none do.
type limits struct {
	throttle *rate.Throttle
	wait     func(ctx context.Context, n int) (int, error) // for sendfile.Options, and told to a live.Transfer
}

// limit returns the limits of a body of size bytes, negative if that is not
// known, of which t is told. Waiting for them ends with ctx, which is not that
// of the request, for the same reason as in filePart.send.
func (h *Handler) limit(ctx context.Context, size int64, t *live.Transfer) *limits {
	if h.MaxRate <= 0 && h.Limiter == nil {
		return nil
	}
	l := &limits{throttle: rate.Begin(size, rate.Own{Rate: h.MaxRate, After: h.RateAfter}, h.Limiter)}
	l.wait = t.Limited(func(_ context.Context, n int) (int, error) { return l.throttle.Wait(ctx, n) })
	return l
}

// take waits until some of the next n bytes may go and returns how many.
func (l *limits) take(n int) (int, error) {
	if l == nil {
		return n, nil
	}
	return l.wait(context.Background(), n) // which knows when to end
}

// hook is for sendfile.Options.
func (l *limits) hook() func(ctx context.Context, n int) (int, error) {
	if l == nil {
		return nil
	}
	return l.wait
}

// close ends the body, of which so many bytes have gone.
func (l *limits) close(moved int64) {
	if l != nil {
		l.throttle.Close(moved)
	}
}

// limitOf returns the limits of a response in the net/http lane.
func (h *Handler) limitOf(c *conn, size int64, t *live.Transfer) *limits {
	ctx := context.Background() // another server's: it has no other way than to cut the connection
	if c != nil {
		ctx = c.server.base
	}
	return h.limit(ctx, size, t)
}

package rate

import (
	"context"
	"fmt"
	"math"
)

// Limiter is a limit that transfers share, such as a *Limit.
type Limiter interface {
	// Wait blocks until some of the next n bytes may be sent and returns how many,
	// from 1 to n, or the cause of ctx if that ends first. n is the rest of the
	// transfer, as far as it is known; the Limiter chooses the size of a grant.
	Wait(ctx context.Context, n int) (int, error)

	// Return gives back n bytes that Wait has granted and that were not sent.
	Return(n int)
}

// PerTransfer is a limit for a single transfer.
type PerTransfer struct {
	Rate  int64 // bytes per second; zero: none
	After int64 // bytes at the beginning without this limit
}

// Throttle applies all limits of one transfer. It is for one goroutine at a time. A
// nil Throttle has no limits.
//
// A grant of a limit may be larger than one chunk; it is used up before the limit is
// asked again. A wide limit is asked for at most the grant of the narrower one
// before it, because other transfers wait for granted bytes that are not sent.
type Throttle struct {
	left    int64 // bytes of the rest of the transfer, as far as known
	granted int64 // sum of the results of Wait
	limits  []grantedLimit
}

type grantedLimit struct {
	limit Limiter
	held  int64 // bytes that limit has granted and Wait has not returned yet
}

// maxRequest is the largest argument for a Limiter. It fits an int on every platform.
const maxRequest = 1 << 30

// Begin returns a Throttle for a transfer of size bytes, or of unknown size if it is
// negative. shared are the limits that it shares with others, the narrowest first;
// nil ones are ignored. Without any limit Begin returns nil. The caller must Close
// the Throttle.
func Begin(size int64, own PerTransfer, shared ...Limiter) *Throttle {
	var limits []grantedLimit
	if own.Rate > 0 {
		limits = append(limits, grantedLimit{New(own.Rate), own.After})
	}
	for _, limit := range shared {
		if limit != nil {
			limits = append(limits, grantedLimit{limit: limit})
		}
	}
	if limits == nil {
		return nil
	}
	if size < 0 {
		size = math.MaxInt64
	}
	return &Throttle{left: size, limits: limits}
}

// Wait blocks until some of the next n bytes may be sent and returns how many, from
// 1 to n, or the cause of ctx if that ends first. It fits sendfile.Options.Wait.
func (t *Throttle) Wait(ctx context.Context, n int) (int, error) {
	if t == nil {
		return n, nil
	}
	granted := min(max(t.left, int64(n)), maxRequest) // by the limits so far
	for i := range t.limits {
		s := &t.limits[i]
		if s.held == 0 {
			held, err := s.limit.Wait(ctx, int(granted))
			if err == nil && (held < 1 || int64(held) > granted) {
				err = fmt.Errorf("a limit granted %d of %d bytes", held, granted) // a faulty Limiter
			}
			if err != nil {
				return 0, err
			}
			s.held = int64(held)
		}
		granted = min(granted, s.held)
	}
	granted = min(granted, int64(n))
	for i := range t.limits {
		t.limits[i].held -= granted
	}
	t.left -= granted
	t.granted += granted
	return int(granted), nil
}

// Hook returns the method Wait, or nil without limits, which saves the calls.
func (t *Throttle) Hook() func(ctx context.Context, n int) (int, error) {
	if t == nil {
		return nil
	}
	return t.Wait
}

// Close returns the bytes that were granted and not sent. moved is the number of
// bytes that the whole transfer has sent.
func (t *Throttle) Close(moved int64) {
	if t == nil {
		return
	}
	unused := max(t.granted-moved, 0)
	for i := range t.limits {
		s := &t.limits[i]
		s.limit.Return(int(min(s.held+unused, maxRequest)))
		s.held = 0
	}
	t.granted = moved
}

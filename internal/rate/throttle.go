package rate

import (
	"context"
	"fmt"
	"math"
)

// Limiter is a limit that transfers share, as a *Limit is.
type Limiter interface {
	// Wait blocks until some of the next n bytes may go and returns how many,
	// from 1 to n, or the cause of ctx when that ends first. n is all that is to
	// come, as far as that is known: what is granted at once is for the Limiter
	// to choose.
	Wait(ctx context.Context, n int) (int, error)

	// Return gives back n bytes that Wait has granted and that have not gone.
	Return(n int)
}

// PerTransfer is the limit of one transfer alone.
type PerTransfer struct {
	Rate  int64 // bytes per second; zero: none
	After int64 // bytes that may go before it holds
}

// Throttle keeps one transfer to all limits that hold for it. It is for one
// goroutine at a time. A nil Throttle has no limits.
//
// It asks each limit for a turn, and spends that before it asks again, so that
// a grant may be larger than the chunks that are sent. A wide limit is asked for
// no more than the narrower one before it has granted: what a slow transfer
// holds, the others wait for.
type Throttle struct {
	left    int64 // bytes to come, as far as that is known
	granted int64 // by Wait
	steps   []step
}

type step struct {
	limit Limiter
	held  int64 // bytes that it has granted and Wait has not
}

// mostAsked bounds what a limit is asked for at once. It fits an int anywhere.
const mostAsked = 1 << 30

// Begin returns what keeps a transfer of size bytes, negative if that is not
// known, to its own limit and to those that it shares, the narrowest first.
// Nil ones are left out. If none is left it returns nil. Whoever has called it
// must Close it.
func Begin(size int64, own PerTransfer, shared ...Limiter) *Throttle {
	var steps []step
	if own.Rate > 0 {
		steps = append(steps, step{New(own.Rate), own.After})
	}
	for _, limit := range shared {
		if limit != nil {
			steps = append(steps, step{limit: limit})
		}
	}
	if steps == nil {
		return nil
	}
	if size < 0 {
		size = math.MaxInt64
	}
	return &Throttle{left: size, steps: steps}
}

// Wait blocks until some of the next n bytes may go and returns how many, from
// 1 to n, or the cause of ctx when that ends first. It is what
// sendfile.Options.Wait wants.
func (t *Throttle) Wait(ctx context.Context, n int) (int, error) {
	if t == nil {
		return n, nil
	}
	granted := min(max(t.left, int64(n)), mostAsked)
	for i := range t.steps {
		s := &t.steps[i]
		if s.held == 0 {
			held, err := s.limit.Wait(ctx, int(granted))
			if err == nil && (held < 1 || int64(held) > granted) {
				err = fmt.Errorf("a limit granted %d of %d bytes", held, granted) // or else nobody would get on
			}
			if err != nil {
				return 0, err
			}
			s.held = int64(held)
		}
		granted = min(granted, s.held)
	}
	granted = min(granted, int64(n))
	for i := range t.steps {
		t.steps[i].held -= granted
	}
	t.left -= granted
	t.granted += granted
	return int(granted), nil
}

// Hook returns Wait, or nil where there is nothing to wait for, so that nobody
// is asked.
func (t *Throttle) Hook() func(ctx context.Context, n int) (int, error) {
	if t == nil {
		return nil
	}
	return t.Wait
}

// Close gives back what was granted, but for the moved bytes that have gone in
// all.
func (t *Throttle) Close(moved int64) {
	if t == nil {
		return
	}
	unused := max(t.granted-moved, 0)
	for i := range t.steps {
		s := &t.steps[i]
		s.limit.Return(int(min(s.held+unused, mostAsked)))
		s.held = 0
	}
	t.granted = moved
}

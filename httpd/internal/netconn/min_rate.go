package netconn

import (
	"context"
	"errors"
	"time"

	"sluice/sendfile"
)

// ErrTooSlow ends a transfer to a client that takes less than the minimum rate.
var ErrTooSlow = errors.New("the client takes less than the minimum rate")

// minRate bounds how slow the client of a connection may be. See the package
// comment.
type minRate struct {
	section int64         // bytes; zero: no bound
	allowed time.Duration // for a section

	left  int64         // of the present section
	spent time.Duration // on it
}

// mostAtOnce is the most that is asked of a limit at once, as package sendfile does
// by default.
const mostAtOnce = 256 << 10

// newMinRate returns a minimum of rate bytes per second on average over a window of
// time. The window is longer if it has less than a chunk.
func newMinRate(rate int64, window time.Duration) *minRate {
	const least, most = 256 << 10, 1 << 50
	if rate <= 0 {
		return nil
	}
	section := min(max(float64(rate)*window.Seconds(), least), most)
	return &minRate{section: int64(section), allowed: time.Duration(section / float64(rate) * float64(time.Second))}
}

// MayWait returns how long the client may still take for the present section; false: as
// long as it likes.
func (c *Conn) MayWait() (time.Duration, bool) {
	r := c.minRate
	if r == nil {
		return 0, false
	}
	r.begin()
	return r.allowed - r.spent, true
}

// Waited counts, for the minimum rate, the time that the client took to make room for
// more, and Took the bytes that it took.
func (c *Conn) Waited(d time.Duration) {
	if c.minRate != nil {
		c.minRate.spent += d
	}
}

// Took is described at Waited.
func (c *Conn) Took(n int64) {
	if r := c.minRate; r != nil {
		r.begin()
		r.left = max(r.left-n, 0)
	}
}

// begin begins the next section if the present one is over.
func (r *minRate) begin() {
	if r.left == 0 {
		r.left, r.spent = r.section, 0
	}
}

// send has n bytes sent, part by part. If wait is not nil, it is asked for the size of
// each part, as sendfile.Options.Wait is: the time that one of our limits takes does
// not count.
func (r *minRate) send(n int64, wait func(ctx context.Context, n int) (int, error), part func(ctx context.Context, off, n int64) (sendfile.Result, error)) (sendfile.Result, error) {
	var all sendfile.Result
	for {
		r.begin()
		size := min(n-all.Sent, r.left)
		if wait != nil {
			granted, err := wait(context.Background(), int(min(size, mostAtOnce)))
			if err != nil {
				return all, err
			}
			size = int64(granted)
		}
		begin := time.Now()
		ctx, cancel := context.WithTimeoutCause(context.Background(), r.allowed-r.spent, ErrTooSlow)
		res, err := part(ctx, all.Sent, size)
		cancel()
		r.spent += time.Since(begin)
		r.left -= res.Sent
		AddResult(&all, res)
		if err != nil || all.Sent == n {
			return all, err
		}
	}
}

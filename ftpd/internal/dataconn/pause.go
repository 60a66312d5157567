package dataconn

import (
	"errors"
	"syscall"
	"time"

	"sluice/internal/vfs"
)

// How long Pause waits, doubling each time.
const (
	minPause = 5 * time.Millisecond
	maxPause = time.Second
)

// Pause is how long an accept loop waits after a failure that passes. The zero
// value is ready for use by one goroutine.
type Pause struct{ last time.Duration }

// Passes reports whether accept failed for a reason that the next call need not
// meet, and then waits, longer each time.
func (p *Pause) RetryAfter(err error) bool {
	if !vfs.IsExhausted(err) && // until somebody leaves
		!errors.Is(err, syscall.ECONNABORTED) && // the client has left the queue
		!errors.Is(err, syscall.ECONNRESET) { // the same, on some systems
		return false
	}
	p.Wait()
	return true
}

// Wait waits, longer each time.
func (p *Pause) Wait() {
	p.last = min(max(2*p.last, minPause), maxPause)
	time.Sleep(p.last)
}

// Reset makes the next wait a short one.
func (p *Pause) Reset() { p.last = 0 }

package dataconn

import (
	"errors"
	"syscall"
	"time"

	"sluice/internal/vfs"
)

// The waits of Pause, which double each time.
const (
	minPause = 5 * time.Millisecond
	maxPause = time.Second
)

// Pause makes an accept loop wait after a temporary failure, longer each time. The zero
// value is ready for use by one goroutine.
type Pause struct{ last time.Duration }

// RetryAfter reports whether err, from Accept, is temporary, and then waits before it
// returns.
func (p *Pause) RetryAfter(err error) bool {
	if !vfs.IsExhausted(err) && // no file descriptors, until a client disconnects
		!errors.Is(err, syscall.ECONNABORTED) && // the client has disconnected in the queue
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

package budget

import (
	"errors"
	"sync"
	"time"
)

// Tally adds up what one request has waited for, and why it was refused. The zero value is ready for use. Its methods
// are safe for concurrent use, and do nothing with a nil *Tally.
type Tally struct {
	Most time.Duration // that the request waits in all, before it gives up with ErrTooLong; zero: any time
	Also *Tally        // counts the same; nil: nothing does

	mu      sync.Mutex // guards the fields below
	waits   []Waited
	refused *Refusal
}

// Waited is how long a request has waited for the units of one Pool.
type Waited struct {
	Pool string
	Time time.Duration
	By   Party // who held most when it last began to wait
}

// ErrTooLong means that a request has waited for longer than Tally.Most.
var ErrTooLong = errors.New("others had their turn for too long")

// Waited returns how long the request has waited in all, and the most that it has waited for one Pool.
func (t *Tally) Waited() (total time.Duration, longest Waited) {
	if t == nil {
		return 0, Waited{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.waits {
		total += w.Time
		if w.Time > longest.Time {
			longest = w
		}
	}
	return total, longest
}

// Refused returns the last refusal of the request, or nil.
func (t *Tally) Refused() *Refusal {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refused
}

func (t *Tally) add(w Waited) {
	for ; t != nil; t = t.Also {
		t.addOne(w)
	}
}

func (t *Tally) addOne(w Waited) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.waits {
		if known := &t.waits[i]; known.Pool == w.Pool {
			known.Time, known.By = known.Time+w.Time, w.By
			return
		}
	}
	t.waits = append(t.waits, w)
}

func (t *Tally) refuse(r *Refusal) {
	for ; t != nil; t = t.Also {
		t.mu.Lock()
		t.refused = r
		t.mu.Unlock()
	}
}

// patience returns a channel that gets a value when the request has waited for too long, and what stops that. The channel
// is nil if the request waits for any time.
func (t *Tally) patience() (over <-chan time.Time, stop func() bool) {
	if t == nil || t.Most == 0 {
		return nil, func() bool { return false }
	}
	waited, _ := t.Waited()
	timer := time.NewTimer(max(t.Most-waited, 0))
	return timer.C, timer.Stop
}

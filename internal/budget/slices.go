package budget

import (
	"context"
	"sync"
	"time"
)

const (
	sliceTime = 20 * time.Millisecond  // how long work goes on before others have their turn
	stepTime  = 5 * time.Millisecond   // between two looks at that
	idleTime  = 100 * time.Millisecond // without a step, after which the turn is given back
)

// Slices is a turn for work that consists of many short steps, which may wait for a disk. Others have their turn in
// between, and also while a step hangs. Only Release may be called by another goroutine.
type Slices struct {
	pool  *Pool
	party Party
	size  int64

	begun, looked time.Time
	isOver        bool
	timer         *time.Timer

	mu   sync.Mutex // guards the field below
	hold *Hold      // nil: it is given back, or Step has it
}

// Slices is Take of one unit for work in steps. The caller calls Step before each of them, and Release at the end.
func (p *Pool) Slices(ctx context.Context, party Party, size int64) (*Slices, error) {
	hold, err := p.Take(ctx, party, 1, size)
	if err != nil {
		return nil, err
	}
	s := &Slices{pool: p, party: party, size: size, hold: hold}
	s.begun = time.Now()
	s.looked = s.begun
	s.timer = time.AfterFunc(idleTime, s.giveBack)
	return s, nil
}

// IsOver reports whether the turn is over, so that Step waits if others come before. Work that keeps something from
// others calls it in the place of Step, and gives that back before Step.
func (s *Slices) IsOver() bool {
	if now := time.Now(); now.Sub(s.looked) >= stepTime {
		s.looked = now
		hung := !s.timer.Reset(idleTime) // in the last step
		s.isOver = s.isOver || hung || now.Sub(s.begun) >= sliceTime
	}
	return s.isOver
}

// Step waits for the next turn if the present one is over. The errors are those of Take.
func (s *Slices) Step(ctx context.Context) error {
	if err := ctx.Err(); err != nil || !s.IsOver() {
		return err
	}
	hold := s.exchange(nil)
	var err error
	if hold == nil { // given back
		hold, err = s.pool.Take(ctx, s.party, 1, s.size)
	} else {
		err = hold.Yield(ctx)
	}
	s.begun, s.isOver = time.Now(), false
	s.exchange(hold)
	s.timer.Reset(idleTime)
	return err
}

// exchange replaces the hold, and returns the one before.
func (s *Slices) exchange(hold *Hold) (before *Hold) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, s.hold = s.hold, hold
	return before
}

func (s *Slices) giveBack() { s.exchange(nil).Release() }

// Release ends the work. It does nothing with a nil *Slices.
func (s *Slices) Release() {
	if s == nil {
		return
	}
	s.timer.Stop()
	s.giveBack()
}

// Turn waits for a turn for one short step, which the caller ends by done. The step is made also if there is none, for
// example because ctx has ended: what follows it finds that out.
func (p *Pool) Turn(ctx context.Context, party Party) (done func()) {
	waits, own := party.Waits, new(Tally)
	party.Waits = own // to which a refusal goes that refuses nothing
	s, err := p.Slices(ctx, party, 0)
	if total, wait := own.Waited(); total > 0 {
		waits.add(wait)
	}
	if err != nil {
		return func() {}
	}
	return s.Release
}

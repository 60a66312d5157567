package budget_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/budget"
)

func TestWorkInStepsSharesItsTurn(t *testing.T) {
	for _, tt := range []struct {
		name string
		step time.Duration
		most time.Duration // that another client waits
	}{
		{"after some short steps", time.Millisecond, 25 * time.Millisecond},
		{"while a step hangs", time.Hour, 100 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := budget.NewPool("tests", budget.Bounds{Size: 1, Queue: 9})
				ctx, cancel := context.WithCancel(t.Context())
				work, err := p.Slices(ctx, party(1), 0)
				if err != nil {
					t.Fatal(err)
				}
				ended := make(chan error)
				go func() {
					var err error
					for err == nil {
						time.Sleep(tt.step)
						err = work.Step(ctx)
					}
					work.Release()
					ended <- err
				}()
				for range 3 {
					begun := time.Now()
					h, err := p.Take(ctx, party(2), 1, 0)
					if took := time.Since(begun); err != nil || took > tt.most {
						t.Errorf("another client: %v after %v, want its turn within %v", err, took, tt.most)
					}
					h.Release()
				}
				time.Sleep(tt.step + time.Millisecond) // the work goes on
				cancel()
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				if s := p.Stats(); s.InUse != 0 || s.Waiting != 0 {
					t.Errorf("got %+v, want nothing in use", s)
				}
			})
		})
	}
}

func TestAStepIsMadeAlsoWithoutATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := budget.NewPool("tests", budget.Bounds{Size: 1})
		done := p.Turn(t.Context(), party(1))
		waits := new(budget.Tally)
		p.Turn(t.Context(), budget.Party{Client: party(2).Client, Waits: waits})() // there is no place to wait
		if r := waits.Refused(); r != nil {
			t.Errorf("it counts as refused: %v", r)
		}
		if got := p.Stats(); got.InUse != 1 || got.Refused != 1 {
			t.Errorf("got %+v", got)
		}
		done()
		if got := p.Stats(); got.InUse != 0 {
			t.Errorf("afterwards: got %+v", got)
		}
	})
}

package budget_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/budget"
)

func TestARequestKnowsWhatItHasWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := budget.NewPool("turns", budget.Bounds{Size: 1, Queue: 1})
		room := budget.NewPool("room", budget.Bounds{Size: 1})
		held, err := turns.Take(t.Context(), party(1), 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(3*time.Second, held.Release)

		var all budget.Tally
		mine := party(2)
		mine.Waits = &budget.Tally{Also: &all}
		for range 2 { // the second time nobody is before it
			h, err := turns.Take(t.Context(), mine, 1, 0)
			if err != nil {
				t.Fatal(err)
			}
			h.Release()
		}
		if _, err := room.TryTake(mine, 2); !budget.IsRefusal(err) {
			t.Errorf("got %v, want a refusal", err)
		}
		want := budget.Waited{Pool: "turns", Time: 3 * time.Second, By: party(1)}
		for name, tally := range map[string]*budget.Tally{"its tally": mine.Waits, "the other one": &all} {
			if total, longest := tally.Waited(); total != want.Time || longest != want {
				t.Errorf("%s: got %v and %+v, want %+v", name, total, longest, want)
			}
			if r := tally.Refused(); r == nil || r.Pool != "room" {
				t.Errorf("%s: got the refusal %v, want that of the other Pool", name, r)
			}
		}
	})
}

func TestARequestWaitsForNoLongerThanItsPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := budget.NewPool("turns", budget.Bounds{Size: 1, Queue: 9})
		held, err := p.Take(t.Context(), party(1), 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		mine, begun := party(2), time.Now()
		mine.Waits = &budget.Tally{Most: 3 * time.Second}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			h, err := p.Take(t.Context(), mine, 1, 0)
			if took := time.Since(begun); err != nil || took != 2*time.Second {
				t.Errorf("first: %v after %v, want its turn after 2s", err, took)
			}
			time.Sleep(time.Minute) // its own work does not count
			begun = time.Now()
			other := make(chan struct{})
			go func() { // takes the turn, and keeps it
				if _, err := p.Take(t.Context(), party(1), 1, 0); err != nil {
					t.Error(err)
				}
				close(other)
			}()
			synctest.Wait()
			err = h.Yield(t.Context())
			if took := time.Since(begun); !errors.Is(err, budget.ErrTooLong) || took != time.Second {
				t.Errorf("then: %v after %v, want %v after 1s", err, took, budget.ErrTooLong)
			}
			<-other
		}()
		time.Sleep(2 * time.Second)
		held.Release()
		<-ended
		if s := p.Stats(); s.Waiting != 0 || s.InUse != 1 {
			t.Errorf("got %+v, want one turn in use and nobody waiting", s)
		}
	})
}

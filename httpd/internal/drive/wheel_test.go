package drive

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// expireAll returns the connections that are due at a time.
func expireAll(w *wheel, now time.Duration) (all []int32) {
	for {
		id, ok := w.expire(now)
		if !ok {
			slices.Sort(all)
			return all
		}
		all = append(all, id)
	}
}

func TestTheWheelReturnsAConnectionWhenItIsDue(t *testing.T) {
	for _, tt := range []struct {
		name string
		due  time.Duration
	}{
		{"at the next tick", tick},
		{"in between two ticks", 3*tick + 1},
		{"in a second", time.Second},
		{"beyond the last bucket", 75 * time.Second},
		{"in an hour", time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w wheel
			const start = 1234567 * tick // no bucket is special
			expireAll(&w, start)
			w.set(7, start+tt.due)
			for now := start; ; {
				wait, ok := w.next(now)
				if !ok {
					t.Fatalf("the wheel was empty after %v", now-start)
				}
				if got := expireAll(&w, now+wait-1); got != nil {
					t.Fatalf("returned %v before the time that next says", got)
				}
				now += wait
				got := expireAll(&w, now)
				if got == nil && now-start < tt.due+tt.due/16+tick {
					continue // it was looked at, and is not due
				}
				if !slices.Equal(got, []int32{7}) || now-start < tt.due {
					t.Fatalf("returned %v after %v, want it after %v", got, now-start, tt.due)
				}
				break
			}
			if _, ok := w.next(start + tt.due); ok {
				t.Error("the wheel is not empty afterwards")
			}
		})
	}
}

func TestADueTimeInTheWheelChanges(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(w *wheel)
		want   map[time.Duration][]int32 // returned at that time
	}{
		{"to a later one", func(w *wheel) { w.set(1, 2*time.Second) }, map[time.Duration][]int32{time.Second: nil, 3 * time.Second: {1}}},
		{"to an earlier one", func(w *wheel) { w.set(1, 100*time.Millisecond) }, map[time.Duration][]int32{200 * time.Millisecond: {1}, 3 * time.Second: nil}},
		{"to none", func(w *wheel) { w.set(1, 0) }, map[time.Duration][]int32{3 * time.Second: nil}},
		{"by forgetting it", func(w *wheel) { w.forget(1) }, map[time.Duration][]int32{3 * time.Second: nil}},
		{"of a neighbour that is forgotten", func(w *wheel) { w.set(2, time.Second); w.set(3, time.Second); w.forget(2) }, map[time.Duration][]int32{2 * time.Second: {1, 3}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w wheel
			w.set(1, time.Second)
			tt.change(&w)
			times := make([]time.Duration, 0, len(tt.want))
			for at := range tt.want {
				times = append(times, at)
			}
			slices.Sort(times)
			for _, at := range times {
				// A connection that is due is returned by the time of the next tick.
				if got := expireAll(&w, at+tick); !slices.Equal(got, tt.want[at]) {
					t.Errorf("at %v: got %v, want %v", at, got, tt.want[at])
				}
			}
		})
	}
}

// Each connection is returned once, not before it is due, and at most a sixteenth of
// the time too late, whatever happens to the others.
func TestTheWheelAgreesWithAList(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var w wheel
	due := make(map[int32]time.Duration) // as it was set last
	set := make(map[int32]time.Duration) // when that was
	now := time.Duration(0)
	for range 20_000 {
		switch id := int32(random.IntN(200)); random.IntN(4) {
		case 0:
			w.forget(id)
			delete(due, id)
		case 1:
			w.set(id, 0)
			delete(due, id)
		default:
			at := now + time.Duration(random.Int64N(int64(90*time.Second)))
			w.set(id, at)
			due[id], set[id] = at, now
		}
		now += time.Duration(random.Int64N(int64(200 * time.Millisecond)))
		for _, id := range expireAll(&w, now) {
			if due[id] == 0 || due[id] > now {
				t.Fatalf("%d was returned at %v, and is due at %v", id, now, due[id])
			}
			delete(due, id)
		}
		for id, at := range due {
			if late := now - at; late > (at-set[id])/8+2*tick+200*time.Millisecond {
				t.Fatalf("%d is %v late, and was set %v before", id, late, at-set[id])
			}
		}
	}
}

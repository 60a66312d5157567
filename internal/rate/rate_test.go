package rate_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/rate"
)

// chunk is what package sendfile asks for at once.
const chunk = 256 << 10

// A mover moves bytes as package sendfile does, by a clock that stands still
// while anybody works.
type mover struct {
	throttle *rate.Throttle
	chunk    int
	work     time.Duration // that each chunk takes

	moved   int64
	waits   int           // that took time
	longest time.Duration // of them
}

// run moves bytes until some time has passed, or all of them.
func (m *mover) run(t *testing.T, size int64, until time.Duration) {
	begin := time.Now()
	for size > 0 && time.Since(begin) < until {
		before := time.Now()
		ask := int(min(int64(m.chunk), size))
		n, err := m.throttle.Wait(t.Context(), ask)
		if err != nil || n < 1 || n > ask {
			t.Errorf("granted %d of %d, %v", n, ask, err)
			return
		}
		if took := time.Since(before); took > 0 {
			m.waits++
			m.longest = max(m.longest, took)
		}
		m.moved += int64(n)
		size -= int64(n)
		time.Sleep(m.work)
	}
}

func isNear(got, want, tolerance float64) bool { return math.Abs(got-want) <= want*tolerance }

func TestATransferKeepsToItsRate(t *testing.T) {
	const long = 10 * time.Second
	for _, tt := range []struct {
		name  string
		rate  int64
		chunk int
		work  time.Duration
	}{
		{"of 1 KiB a second", 1 << 10, chunk, 0},
		{"of 64 KiB a second", 64 << 10, chunk, 0},
		{"of 1 MB a second", 1e6, chunk, 0},
		{"of 1 MB a second by TLS records", 1e6, 16 << 10, 0},
		{"of 100 MB a second", 100e6, chunk, 0},
		{"of 100 MB a second, which takes some time", 100e6, chunk, 2 * time.Millisecond},
		{"of 10 GB a second", 10e9, chunk, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := mover{throttle: rate.Begin(-1, rate.PerTransfer{Rate: tt.rate}), chunk: tt.chunk, work: tt.work}
				m.run(t, math.MaxInt64, long)
				if want := float64(tt.rate) * long.Seconds(); !isNear(float64(m.moved), want, 0.02) && tt.rate > 10_000 {
					t.Errorf("moved %d bytes in %v, want %.0f within 2 %%", m.moved, long, want)
				}
				if perSecond := float64(m.waits) / long.Seconds(); perSecond > 21 {
					t.Errorf("waited %.0f times a second, want at most 20", perSecond)
				}
				if most := 100 * time.Millisecond; m.longest > most+time.Millisecond && tt.rate > 10_000 {
					t.Errorf("was silent for %v, want at most %v", m.longest, most)
				}
			})
		})
	}
}

// A timer that is late, and a client that takes its bytes late, are made up for
// as long as it is not much.
func TestLatenessIsMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := mover{throttle: rate.Begin(-1, rate.PerTransfer{Rate: 1e6}), chunk: chunk, work: 30 * time.Millisecond}
		m.run(t, math.MaxInt64, 10*time.Second)
		if !isNear(float64(m.moved), 10e6, 0.02) {
			t.Errorf("moved %d bytes, want 10000000 within 2 %%", m.moved)
		}
	})
}

func TestWhatWasNotAskedForIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := mover{throttle: rate.Begin(-1, rate.PerTransfer{}, rate.New(1e6)), chunk: chunk}
		time.Sleep(time.Hour)
		m.run(t, math.MaxInt64, time.Second)
		if m.moved > 1.2e6 {
			t.Errorf("moved %d bytes in a second after an idle hour, want 1000000, and 200000 at most beside", m.moved)
		}
	})
}

func TestTransfersShareALimitEqually(t *testing.T) {
	for _, tt := range []struct {
		name   string
		rate   int64
		chunks []int // of each transfer
	}{
		{"two at 1 MB a second", 1e6, []int{chunk, chunk}},
		{"small and large chunks", 10e6, []int{chunk, 16 << 10, 1 << 20, 4 << 10}},
		{"many at 1 MB a second", 1e6, make([]int, 100)},
		{"many at 100 MB a second", 100e6, make([]int, 300)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const long = 10 * time.Second
				limit := rate.New(tt.rate)
				movers := make([]mover, len(tt.chunks))
				var wg sync.WaitGroup
				for i := range movers {
					m := &movers[i]
					m.throttle = rate.Begin(-1, rate.PerTransfer{}, limit)
					m.chunk = tt.chunks[i]
					if m.chunk == 0 {
						m.chunk = chunk
					}
					wg.Go(func() {
						m.run(t, math.MaxInt64, time.Second) // until it is known how many there are
						m.moved = 0
						m.run(t, math.MaxInt64, long)
					})
				}
				wg.Wait()
				var sum int64
				for i := range movers {
					sum += movers[i].moved
				}
				each := float64(tt.rate) * long.Seconds() / float64(len(movers))
				if !isNear(float64(sum), each*float64(len(movers)), 0.03) {
					t.Errorf("all moved %d bytes, want %.0f within 3 %%", sum, each*float64(len(movers)))
				}
				for i := range movers {
					if m := &movers[i]; !isNear(float64(m.moved), each, 0.1) {
						t.Errorf("transfer %d moved %d bytes, want %.0f within 10 %%", i, m.moved, each)
					}
				}
			})
		})
	}
}

// What a transfer that is slow for other reasons holds, others do not wait for.
func TestANarrowLimitTakesLittleOfAWideOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const long = 10 * time.Second
		all := rate.New(10e6)
		slow := make([]mover, 50)
		fast := mover{throttle: rate.Begin(-1, rate.PerTransfer{}, all), chunk: chunk}
		var wg sync.WaitGroup
		for i := range slow {
			slow[i] = mover{throttle: rate.Begin(-1, rate.PerTransfer{Rate: 10_000}, all), chunk: chunk}
			wg.Go(func() { slow[i].run(t, math.MaxInt64, long) })
		}
		wg.Go(func() { fast.run(t, math.MaxInt64, long) })
		wg.Wait()
		var sum int64
		for i := range slow {
			sum += slow[i].moved
			if got := slow[i].moved; !isNear(float64(got), 100_000, 0.05) {
				t.Errorf("a slow one moved %d bytes, want 100000 within 5 %%", got)
			}
		}
		if want := 100e6 - float64(sum); !isNear(float64(fast.moved), want, 0.03) {
			t.Errorf("the fast one moved %d bytes, want what the others leave: %.0f", fast.moved, want)
		}
	})
}

func TestTheFirstBytesAreFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, after = 20e6, 15e6
		begin := time.Now()
		m := mover{throttle: rate.Begin(size, rate.PerTransfer{Rate: 1e6, After: after}), chunk: chunk}
		m.run(t, after, time.Hour)
		if took := time.Since(begin); took != 0 {
			t.Errorf("the first bytes took %v, want no wait", took)
		}
		m.run(t, size-after, time.Hour)
		if took := time.Since(begin); !isNear(took.Seconds(), 5, 0.02) {
			t.Errorf("the rest took %v, want 5 s within 2 %%", took)
		}
	})
}

// Who knows how much there is to come books no more, and who does not gives
// back: many little transfers are as fast as one large.
func TestLittleTransfersWasteNothing(t *testing.T) {
	for name, known := range map[string]bool{"of known size": true, "of unknown size": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const size, number = 1000, 5000
				limit := rate.New(1e6)
				begin := time.Now()
				for range number {
					told := int64(size)
					if !known {
						told = -1
					}
					th := rate.Begin(told, rate.PerTransfer{}, limit)
					n, err := th.Wait(t.Context(), chunk)
					if err != nil || n < size {
						t.Fatalf("granted %d, %v, want %d at once", n, err, size)
					}
					th.Close(size)
				}
				if took := time.Since(begin); !isNear(took.Seconds(), 5, 0.02) {
					t.Errorf("%d bytes took %v, want 5 s within 2 %%", number*size, took)
				}
			})
		})
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reason := errors.New("the client is gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		limit := rate.New(1000)
		gone := rate.Begin(-1, rate.PerTransfer{}, limit)
		time.AfterFunc(time.Second/2, func() { cancel(reason) })
		begin := time.Now()
		var err error
		for err == nil {
			_, err = gone.Wait(ctx, chunk)
		}
		if took := time.Since(begin); !errors.Is(err, reason) || took != time.Second/2 {
			t.Errorf("got %v after %v, want %v after half a second", err, took, reason)
		}
		gone.Close(0) // nothing went, so that all is there for the next
		if n, err := limit.Wait(t.Context(), 500); n != 500 || err != nil || time.Since(begin) != time.Second/2 {
			t.Errorf("granted %d, %v after %v, want 500 at once", n, err, time.Since(begin))
		}
	})
}

// granting is a limit that keeps no promise.
type granting int

func (g granting) Wait(context.Context, int) (int, error) { return int(g), nil }
func (g granting) Return(int)                             {}

func TestALimitThatGrantsNonsenseIsAnError(t *testing.T) {
	for _, nonsense := range []granting{-1, 0, 101} {
		if n, err := rate.Begin(100, rate.PerTransfer{}, nonsense).Wait(t.Context(), 100); err == nil {
			t.Errorf("granted %d of a limit that grants %d of 100, want an error", n, nonsense)
		}
	}
}

func TestNoLimitCostsNothing(t *testing.T) {
	var none rate.Limiter
	if th := rate.Begin(1, rate.PerTransfer{After: 10}, none); th != nil || th.Hook() != nil {
		t.Errorf("got %+v, want nil and no hook", th)
	}
	var th *rate.Throttle
	if n, err := th.Wait(t.Context(), 7); n != 7 || err != nil {
		t.Errorf("granted %d, %v, want 7 at once", n, err)
	}
	th.Close(7)
	if n := testing.AllocsPerRun(100, func() { rate.Begin(1, rate.PerTransfer{}, none).Close(1) }); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

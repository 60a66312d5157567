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

// chunk is the number of bytes that package sendfile passes to Wait.
const chunk = 256 << 10

// A transfer moves bytes as package sendfile does, in the fake time of synctest.
type transfer struct {
	throttle *rate.Throttle
	chunk    int
	work     time.Duration // that sending a chunk takes

	moved   int64
	waits   int           // calls of Wait that blocked
	longest time.Duration // of these calls
}

// run moves size bytes, but stops after the duration until.
func (m *transfer) run(t *testing.T, size int64, until time.Duration) {
	begin := time.Now()
	for size > 0 && time.Since(begin) < until {
		before := time.Now()
		want := int(min(int64(m.chunk), size))
		n, err := m.throttle.Wait(t.Context(), want)
		if err != nil || n < 1 || n > want {
			t.Errorf("granted %d of %d, %v", n, want, err)
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

func TestTransferKeepsToItsRate(t *testing.T) {
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
		{"of 100 MB a second, with slow sending", 100e6, chunk, 2 * time.Millisecond},
		{"of 10 GB a second", 10e9, chunk, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := transfer{throttle: rate.Begin(-1, rate.PerTransfer{Rate: tt.rate}), chunk: tt.chunk, work: tt.work}
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

// A Limit makes up for short delays of timers and of the client.
func TestShortDelaysAreMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := transfer{throttle: rate.Begin(-1, rate.PerTransfer{Rate: 1e6}), chunk: chunk, work: 30 * time.Millisecond}
		m.run(t, math.MaxInt64, 10*time.Second)
		if !isNear(float64(m.moved), 10e6, 0.02) {
			t.Errorf("moved %d bytes, want 10000000 within 2 %%", m.moved)
		}
	})
}

func TestIdleTimeGivesLittleCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := transfer{throttle: rate.Begin(-1, rate.PerTransfer{}, rate.New(1e6)), chunk: chunk}
		time.Sleep(time.Hour)
		m.run(t, math.MaxInt64, time.Second)
		if m.moved > 1.2e6 {
			t.Errorf("moved %d bytes in a second after an idle hour, want at most 1200000", m.moved)
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
				transfers := make([]transfer, len(tt.chunks))
				var wg sync.WaitGroup
				for i := range transfers {
					m := &transfers[i]
					m.throttle = rate.Begin(-1, rate.PerTransfer{}, limit)
					m.chunk = tt.chunks[i]
					if m.chunk == 0 {
						m.chunk = chunk
					}
					wg.Go(func() {
						m.run(t, math.MaxInt64, time.Second) // until all transfers wait
						m.moved = 0
						m.run(t, math.MaxInt64, long)
					})
				}
				wg.Wait()
				var sum int64
				for i := range transfers {
					sum += transfers[i].moved
				}
				each := float64(tt.rate) * long.Seconds() / float64(len(transfers))
				if !isNear(float64(sum), each*float64(len(transfers)), 0.03) {
					t.Errorf("all moved %d bytes, want %.0f within 3 %%", sum, each*float64(len(transfers)))
				}
				for i := range transfers {
					if m := &transfers[i]; !isNear(float64(m.moved), each, 0.1) {
						t.Errorf("transfer %d moved %d bytes, want %.0f within 10 %%", i, m.moved, each)
					}
				}
			})
		})
	}
}

// Transfers with a low limit of their own take little of a shared limit.
func TestNarrowLimitTakesLittleOfAWideOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const long = 10 * time.Second
		all := rate.New(10e6)
		slow := make([]transfer, 50)
		fast := transfer{throttle: rate.Begin(-1, rate.PerTransfer{}, all), chunk: chunk}
		var wg sync.WaitGroup
		for i := range slow {
			slow[i] = transfer{throttle: rate.Begin(-1, rate.PerTransfer{Rate: 10_000}, all), chunk: chunk}
			wg.Go(func() { slow[i].run(t, math.MaxInt64, long) })
		}
		wg.Go(func() { fast.run(t, math.MaxInt64, long) })
		wg.Wait()
		var sum int64
		for i := range slow {
			sum += slow[i].moved
			if got := slow[i].moved; !isNear(float64(got), 100_000, 0.05) {
				t.Errorf("a slow transfer moved %d bytes, want 100000 within 5 %%", got)
			}
		}
		if want := 100e6 - float64(sum); !isNear(float64(fast.moved), want, 0.03) {
			t.Errorf("the fast transfer moved %d bytes, want the rest of the rate: %.0f", fast.moved, want)
		}
	})
}

func TestBytesBeforeAfterAreNotLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, after = 20e6, 15e6
		begin := time.Now()
		m := transfer{throttle: rate.Begin(size, rate.PerTransfer{Rate: 1e6, After: after}), chunk: chunk}
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

// A transfer of known size reserves no more than that, and one of unknown size returns
// the rest: many small transfers are as fast as one large.
func TestSmallTransfersWasteNothing(t *testing.T) {
	for name, known := range map[string]bool{"of known size": true, "of unknown size": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const size, number = 1000, 5000
				limit := rate.New(1e6)
				begin := time.Now()
				for range number {
					announced := int64(size)
					if !known {
						announced = -1
					}
					th := rate.Begin(announced, rate.PerTransfer{}, limit)
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

func TestWaitEndsWithTheContext(t *testing.T) {
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
		gone.Close(0) // nothing was sent, and all is returned
		if n, err := limit.Wait(t.Context(), 500); n != 500 || err != nil || time.Since(begin) != time.Second/2 {
			t.Errorf("granted %d, %v after %v, want 500 at once", n, err, time.Since(begin))
		}
	})
}

// granting is a faulty limit that always grants that many bytes.
type granting int

func (g granting) Wait(context.Context, int) (int, error) { return int(g), nil }
func (g granting) Return(int)                             {}

func TestImpossibleGrantIsAnError(t *testing.T) {
	for _, granted := range []granting{-1, 0, 101} {
		if n, err := rate.Begin(100, rate.PerTransfer{}, granted).Wait(t.Context(), 100); err == nil {
			t.Errorf("granted %d of a limit that grants %d of 100, want an error", n, granted)
		}
	}
}

func TestNoLimitMeansNoThrottle(t *testing.T) {
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

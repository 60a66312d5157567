package budget_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/budget"
)

// party returns the party of a client; equal numbers are the same client.
func party(n int) budget.Party {
	return budget.Party{Client: netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)})}
}

// job is a request that holds one turn for a time, in slices, and notes when it is done.
type job struct {
	name  string
	party budget.Party
	size  time.Duration
	after time.Duration // when it comes
}

const slice = 100 * time.Millisecond

// run runs jobs with a Pool, in time that passes at once, and returns when each of the named ones was done. The others
// give up then.
func run(t *testing.T, p *budget.Pool, jobs []job, names []string) map[string]time.Duration {
	t.Helper()
	done, begun := make(map[string]time.Duration), time.Now()
	ended := make(chan string)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for _, j := range jobs {
		time.Sleep(j.after - time.Since(begun))
		all.Go(func() {
			if err := j.do(ctx, p); err != nil {
				if ctx.Err() == nil {
					t.Errorf("%s: %v", j.name, err)
				}
				return
			}
			select {
			case ended <- j.name:
			case <-ctx.Done():
			}
		})
		synctest.Wait()
	}
	for range names {
		for {
			name := <-ended
			done[name] = time.Since(begun)
			if slices.Contains(names, name) {
				break
			}
		}
	}
	return done
}

func (j job) do(ctx context.Context, p *budget.Pool) error {
	h, err := p.Take(ctx, j.party, 1, int64(j.size))
	if err != nil {
		return err
	}
	defer h.Release()
	for left := j.size; left > 0; left -= slice {
		time.Sleep(min(left, slice))
		if err := h.Yield(ctx); err != nil {
			return err
		}
	}
	return nil
}

func TestTurnsAreFair(t *testing.T) {
	hours := func(client, n int) (jobs []job) {
		for i := range n {
			jobs = append(jobs, job{fmt.Sprintf("%d's %d", client, i), party(client), time.Hour, 0})
		}
		return jobs
	}
	for _, tt := range []struct {
		name string
		jobs []job
		most map[string]time.Duration // when jobs are done at the latest
	}{
		{"a short job waits for one slice of a long one", append(hours(1, 1),
			job{"short", party(2), slice, 5 * time.Second}), map[string]time.Duration{"short": 5*time.Second + 2*slice}},
		{"many long jobs of one client delay others no more than one", append(hours(1, 200),
			job{"short", party(2), slice, 5 * time.Second}), map[string]time.Duration{"short": 5*time.Second + 2*slice}},
		{"the short job of a client comes before its long ones", append(hours(1, 5),
			job{"short", party(1), slice, 5 * time.Second}), map[string]time.Duration{"short": 5*time.Second + 2*slice}},
		{"two clients have equal parts", []job{{"a", party(1), 10 * time.Second, 0}, {"b", party(2), 10 * time.Second, 0}},
			map[string]time.Duration{"a": 20 * time.Second, "b": 20 * time.Second}},
		{"a client with ten jobs has the part of a client with one", append(slices.Repeat([]job{{"many", party(1), time.Minute, 0}}, 10),
			job{"one", party(2), 10 * time.Second, time.Second}), map[string]time.Duration{"one": 21*time.Second + slice}},
		{"a client that comes late has no more than its part", []job{{"early", party(1), 10 * time.Second, 0}, {"late", party(2), 10 * time.Second, 8 * time.Second}},
			map[string]time.Duration{"early": 12*time.Second + slice, "late": 20 * time.Second}},
		{"a client with many short jobs does not hold up a long one", append(slices.Collect(func(yield func(job) bool) {
			for i := range 1000 {
				if !yield(job{fmt.Sprint("short ", i), party(1), slice, 0}) {
					return
				}
			}
		}), job{"long", party(2), 5 * time.Second, 0}), map[string]time.Duration{"long": 10*time.Second + slice}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				done := run(t, budget.NewPool("tests", budget.Bounds{Size: 1, Queue: 5000}), tt.jobs, slices.Collect(maps.Keys(tt.most)))
				for name, most := range tt.most {
					if at, ok := done[name]; !ok || at > most {
						t.Errorf("%q was done after %v, want at most %v", name, at, most)
					}
				}
			})
		})
	}
}

func TestARequestIsRefusedWhereNoPlaceIsLeft(t *testing.T) {
	alice := budget.Party{Client: party(1).Client, Account: "alice"}
	for _, tt := range []struct {
		name    string
		bounds  budget.Bounds
		holds   []budget.Party // each has one unit
		waits   []budget.Party
		request budget.Party
		n       int64
		want    budget.Bound // "": the request waits
	}{
		{"nobody may wait", budget.Bounds{Size: 1}, []budget.Party{party(1)}, nil, party(2), 1, budget.BoundAll},
		{"the queue is full", budget.Bounds{Size: 1, Queue: 1}, []budget.Party{party(1)}, []budget.Party{party(2)}, party(3), 1, budget.BoundAll},
		{"the client has no place left", budget.Bounds{Size: 1, Queue: 9, QueuePerClient: 1}, []budget.Party{party(1)}, []budget.Party{party(2)}, party(2), 1, budget.BoundClient},
		{"another client has a place left", budget.Bounds{Size: 1, Queue: 9, QueuePerClient: 1}, []budget.Party{party(1)}, []budget.Party{party(2)}, party(3), 1, ""},
		{"the client has its part", budget.Bounds{Size: 9, PerClient: 1}, []budget.Party{party(1)}, nil, party(1), 1, budget.BoundClient},
		{"the account has its part", budget.Bounds{Size: 9, PerAccount: 1}, []budget.Party{alice}, nil, budget.Party{Client: party(2).Client, Account: "alice"}, 1, budget.BoundAccount},
		{"the mount has its part", budget.Bounds{Size: 9, PerMount: 1}, []budget.Party{{Mount: "/m"}}, nil, budget.Party{Client: party(2).Client, Mount: "/m"}, 1, budget.BoundMount},
		{"it never fits", budget.Bounds{Size: 9, Queue: 9}, nil, nil, party(1), 10, budget.BoundAll},
		{"it never fits the part of a client", budget.Bounds{Size: 9, PerClient: 2, Queue: 9}, nil, nil, party(1), 3, budget.BoundClient},
		{"it never fits the part of an account", budget.Bounds{Size: 9, PerAccount: 2, Queue: 9}, nil, nil, alice, 3, budget.BoundAccount},
		{"it never fits the part of a mount", budget.Bounds{Size: 9, PerMount: 2, Queue: 9}, nil, nil, budget.Party{Mount: "/m"}, 3, budget.BoundMount},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := budget.NewPool("tests", tt.bounds)
				for _, party := range tt.holds {
					if _, err := p.TryTake(party, 1); err != nil {
						t.Fatal(err)
					}
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer synctest.Wait()
				defer cancel()
				take := func(party budget.Party, n int64) *error {
					result := new(error)
					go func() { _, *result = p.Take(ctx, party, n, 0) }()
					synctest.Wait()
					return result
				}
				for _, party := range tt.waits {
					take(party, 1)
				}
				err := *take(tt.request, tt.n)
				var r *budget.Refusal
				switch {
				case tt.want == "" && err != nil:
					t.Errorf("got %v", err)
				case tt.want != "" && (!errors.As(err, &r) || r.Bound != tt.want):
					t.Errorf("got %v, want a refusal for the bound of %s", err, tt.want)
				}
			})
		})
	}
}

func TestAClientThatWaitsForNothingYetGetsThePlaceOfOneWithMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := budget.NewPool("tests", budget.Bounds{Size: 1, Queue: 3})
		h, err := p.TryTake(party(1), 1)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan string, 9)
		take := func(name string, party budget.Party) {
			go func() {
				h, err := p.Take(t.Context(), party, 1, 0)
				h.Release()
				ended <- fmt.Sprint(name, ": ", err)
			}()
			synctest.Wait()
		}
		take("1", party(1))
		take("2", party(1))
		take("3", party(2))
		take("4", party(3))
		if got, want := <-ended, "2: too many tests of one client"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		take("5", party(4)) // now each has one place
		if got, want := <-ended, "5: too many tests of all clients"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		h.Release()
		synctest.Wait()
		if got := p.Stats(); got.InUse != 0 || got.Waiting != 0 || got.Refused != 2 || len(ended) != 3 {
			t.Errorf("got %+v and %d requests ended", got, len(ended))
		}
	})
}

func TestOneBoundDoesNotHoldUpOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := budget.NewPool("tests", budget.Bounds{Size: 2, PerMount: 1, Queue: 1})
		hung, err := p.Take(t.Context(), budget.Party{Client: party(1).Client, Mount: "hung"}, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			h, err := p.Take(t.Context(), budget.Party{Client: party(2).Client, Mount: "hung"}, 1, 0)
			if err != nil {
				t.Error(err)
			}
			if d, by := h.Waited(); d != time.Second || by.Client != party(1).Client {
				t.Errorf("waited %v for %v", d, by)
			}
			h.Release()
		}()
		synctest.Wait()
		for range 3 {
			other, err := p.Take(t.Context(), budget.Party{Client: party(3).Client, Mount: "fine"}, 1, 0)
			if err != nil {
				t.Fatal(err)
			}
			other.Release()
		}
		if waits := p.Waits(); len(waits) != 1 || waits[0].By.Client != party(1).Client {
			t.Errorf("got %v", waits)
		}
		time.Sleep(time.Second)
		hung.Release()
		synctest.Wait()
	})
}

func TestUnitsOfWhoGivesUpAreFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := budget.NewPool("tests", budget.Bounds{Size: 1, Queue: 9})
		h, err := p.Take(t.Context(), party(1), 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if h, err := p.Take(ctx, party(2), 1, 0); h != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, %v", h, err)
		}
		go func() { // takes the turn at Yield, and keeps it
			if _, err := p.Take(t.Context(), party(3), 1, 0); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		if err := h.Yield(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Yield: %v", err)
		}
		h.Release()
		if got := p.Stats(); got.InUse != 1 || got.Waiting != 0 {
			t.Errorf("got %+v, want one unit in use", got)
		}
	})
}

func TestAHoldThatShrinksLetsOthersHaveTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := budget.NewPool("bytes", budget.Bounds{Size: 10, Queue: 1})
		h, err := p.TryTake(party(1), 10)
		if err != nil {
			t.Fatal(err)
		}
		other := make(chan *budget.Hold)
		go func() {
			h, err := p.Take(t.Context(), party(2), 6, 0)
			if err != nil {
				t.Error(err)
			}
			other <- h
		}()
		synctest.Wait()
		h.Shrink(20) // more than it has
		h.Shrink(4)
		h.Shrink(5)
		(<-other).Release()
		if got := p.Stats(); got.InUse != 4 {
			t.Errorf("got %+v, want 4 in use", got)
		}
		h.Release()
		if got := p.Stats(); got.InUse != 0 {
			t.Errorf("got %+v, want nothing in use", got)
		}
	})
}

func TestAHoldGrowsWithinTheBounds(t *testing.T) {
	p := budget.NewPool("bytes", budget.Bounds{Size: 10, PerClient: 6})
	a, err := p.TryTake(party(1), 4)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.TryTake(party(2), 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		hold *budget.Hold
		n    int64
		want string
	}{
		{a, 3, "too many bytes of one client"},
		{a, 1, ""},
		{b, 2, "too many bytes of all clients"},
		{b, 1, ""},
	} {
		err := tt.hold.Grow(tt.n)
		if got := fmt.Sprint(err); err == nil && tt.want != "" || err != nil && (got != tt.want || !budget.IsRefusal(err)) {
			t.Errorf("Grow(%d): got %v, want %q", tt.n, err, tt.want)
		}
	}
	a.Release()
	a.Release()
	b.Release()
	if got := p.Stats(); got.InUse != 0 || got.Most != 10 || got.Refused != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestBoundsMayChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := budget.NewPool("tests", budget.Bounds{Size: 1, Queue: 9})
		if _, err := p.Take(t.Context(), party(1), 1, 0); err != nil {
			t.Fatal(err)
		}
		got := make(chan error, 1)
		go func() { _, err := p.Take(t.Context(), party(2), 1, 0); got <- err }()
		synctest.Wait()
		p.SetBounds(budget.Bounds{Size: 2})
		if err := <-got; err != nil {
			t.Error(err)
		}
	})
}

// Many clients take, grow, yield, give up and release at random; nothing is left, and no bound was passed.
func TestNothingIsLost(t *testing.T) {
	p := budget.NewPool("tests", budget.Bounds{Size: 3, PerClient: 2, PerMount: 2, Queue: 20, QueuePerClient: 3})
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			party := party(i % 8)
			party.Mount = fmt.Sprint(i % 3)
			for j := range 300 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(j%7)*100*time.Microsecond)
				h, err := p.Take(ctx, party, 1, int64(j))
				if err != nil && !budget.IsRefusal(err) && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				if j%3 == 0 {
					_ = h.Grow(1)
				}
				_ = h.Yield(ctx)
				h.Release()
				cancel()
			}
		})
	}
	wg.Wait()
	if got := p.Stats(); got.InUse != 0 || got.Waiting != 0 || got.Most > 3 {
		t.Errorf("got %+v", got)
	}
}

func BenchmarkTake(b *testing.B) {
	p := budget.NewPool("tests", budget.Bounds{Size: 1 << 40})
	for b.Loop() {
		h, err := p.Take(b.Context(), party(1), 1, 0)
		if err != nil {
			b.Fatal(err)
		}
		h.Release()
	}
}

func TestServersShareABudget(t *testing.T) {
	var shared budget.Shared
	if first, second := budget.Of(&shared), budget.Of(&shared); first != second {
		t.Error("two servers have different budgets, want the one that they share")
	}
	if first, second := budget.Of(nil), budget.Of(nil); first == second {
		t.Error("servers that share nothing have the same budget")
	}
}

func TestAPlaceIsCheckedBeforeItIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := budget.NewPool("tests", budget.Bounds{Size: 1, Queue: 2, QueuePerClient: 2})
		wait := func(client int) {
			go func() { _, _ = p.Take(t.Context(), party(client), 1, 0) }()
			synctest.Wait()
		}
		check := func(when string, client int, want bool) {
			t.Helper()
			if err := p.CheckPlace(party(client)); err == nil != want || err != nil && !budget.IsRefusal(err) {
				t.Errorf("%s: client %d gets %v, want a place: %v", when, client, err, want)
			}
		}
		check("while a turn is free", 1, true)
		wait(1)
		check("while there are two places", 1, true)
		wait(1)
		wait(1)
		check("with both places taken by one client", 1, false)
		check("with both places taken by another", 2, true)
		wait(2)
		check("with one place each", 2, false)
		check("with one place each", 3, false)
		if got := p.Stats().Refused; got != 4 {
			t.Errorf("%d refusals, want the three and the one that lost its place", got)
		}
	})
}

func TestAReserveIsLeftToClientsWithLittle(t *testing.T) {
	p := budget.NewPool("bytes", budget.Bounds{Size: 100, Reserve: 30, Small: 10})
	if n := p.Largest(); n != 70 {
		t.Errorf("the largest is %d, want 70", n)
	}
	for _, tt := range []struct {
		client int
		n      int64
		want   bool
	}{
		{1, 71, false}, // also while nobody has any
		{1, 70, true},
		{1, 1, false},
		{2, 11, false},
		{2, 10, true},
		{2, 1, false},
		{3, 10, true},
		{4, 9, true},
		{5, 2, false}, // nothing is left
		{5, 1, true},
	} {
		_, err := p.TryTake(party(tt.client), tt.n)
		if err == nil != tt.want || err != nil && err.Error() != "too many bytes of all clients" {
			t.Errorf("%d for client %d: got %v, want success: %v", tt.n, tt.client, err, tt.want)
		}
	}
}

func TestAClientWithLittleDoesNotWaitForTheReserveOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := budget.NewPool("bytes", budget.Bounds{Size: 100, Reserve: 30, Small: 10, Queue: 9})
		large, err := p.Take(t.Context(), party(1), 70, 0)
		if err != nil {
			t.Fatal(err)
		}
		second := make(chan error, 1)
		go func() { _, err := p.Take(t.Context(), party(2), 60, 0); second <- err }()
		synctest.Wait()
		if _, err := p.Take(t.Context(), party(3), 5, 0); err != nil {
			t.Error(err)
		}
		large.Release()
		if err := <-second; err != nil {
			t.Error(err)
		}
	})
}

func TestAmongEqualsAClientWithFewRequestsComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := budget.NewPool("turns", budget.Bounds{Size: 1, Queue: 100})
		hold, err := p.Take(t.Context(), party(9), 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		var order []int
		var all sync.WaitGroup
		for _, client := range []int{1, 2, 1, 2, 2, 3} {
			all.Go(func() {
				h, err := p.Take(t.Context(), party(client), 1, 0)
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Second)
				order = append(order, client) // one at a time has the turn
				h.Release()
			})
			synctest.Wait()
		}
		hold.Release()
		all.Wait()
		if want := []int{3, 1, 2, 1, 2, 2}; !slices.Equal(order, want) {
			t.Errorf("got %v, want %v", order, want)
		}
	})
}

func TestSmallRequestsAreFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := budget.NewPool("tests", budget.Bounds{Size: 1, Free: 10})
		held, err := p.Take(t.Context(), party(1), 1, 0)
		if err != nil || held == nil {
			t.Fatalf("a request without a size: %v, %v, want a unit", held, err)
		}
		for size, want := range map[int64]bool{0: false, 1: true, 10: true, 11: false} {
			h, err := p.Take(t.Context(), party(2), 1, size)
			if err == nil != want {
				t.Errorf("size %d: got %v, want success: %v", size, err, want)
			}
			if err := h.Yield(t.Context()); err != nil {
				t.Error(err)
			}
			h.Release()
		}
	})
}

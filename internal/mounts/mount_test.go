package mounts

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// newMounts returns Mounts that share a bound of their own.
func newMounts(names ...string) (all []*Mount) {
	var within atomic.Int64
	for _, name := range names {
		all = append(all, &Mount{point: name, within: &within})
	}
	return all
}

// fill makes n calls enter m, which has room for them.
func fill(t *testing.T, m *Mount, n int) {
	t.Helper()
	for range n {
		if err := m.Enter(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAHungMountRefusesFurtherCallsUntilOneReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newMounts("/hung", "/other")
		hung, other := all[0], all[1]
		fill(t, hung, Limit)
		begin := time.Now()
		enter := func() (time.Duration, error) {
			since := time.Since(begin)
			err := hung.Enter()
			return time.Since(begin) - since, err
		}
		if waited, err := enter(); !errors.Is(err, ErrNotResponding) || waited != patience {
			t.Errorf("the first call beyond the limit: %v after %v, want %v after %v", err, waited, ErrNotResponding, patience)
		}
		if waited, err := enter(); !errors.Is(err, ErrNotResponding) || waited != 0 {
			t.Errorf("a further one: %v after %v, want %v at once", err, waited, ErrNotResponding)
		}
		if hung.TryEnter() {
			t.Error("TryEnter has found a place")
		}
		fill(t, other, Limit)
		if s := hung.State(); s != (State{Point: "/hung", Inside: Limit, Hung: true, Refused: 2}) {
			t.Errorf("the state is %+v", s)
		}
		hung.Leave()
		if waited, err := enter(); err != nil || waited != 0 {
			t.Errorf("after a return: %v after %v, want a place at once", err, waited)
		}
		for range Limit {
			hung.Leave()
			other.Leave()
		}
		if n := hung.within.Load(); n != 0 || hung.State().Inside != 0 || other.State().Inside != 0 {
			t.Errorf("%d calls are left, %+v, %+v", n, hung.State(), other.State())
		}
	})
}

func TestACallWaitsForASlowMountAsLongAsCallsReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMounts("/slow")[0]
		fill(t, m, Limit)
		const waiters = 5
		entered := make(chan int, waiters)
		for i := range waiters {
			go func() {
				if err := m.Enter(); err != nil {
					t.Errorf("call %d: %v", i, err)
				}
				entered <- i
			}()
			synctest.Wait() // so that they come in this order
		}
		for i := range waiters {
			time.Sleep(patience - time.Millisecond)
			m.Leave()
			if got := <-entered; got != i {
				t.Errorf("call %d has its turn, want %d", got, i)
			}
		}
	})
}

func TestACallThatMustBeMadeWaitsForAHungMount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMounts("/hung")[0]
		fill(t, m, Limit)
		entered := false
		go func() { m.EnterLater(); entered = true }()
		time.Sleep(time.Hour)
		if entered {
			t.Error("it was made although there is no place")
		}
		m.Leave()
		synctest.Wait()
		if !entered {
			t.Error("it was not made after a return")
		}
	})
}

func TestManyHungMountsLeaveEachOtherSomePlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = limitOfAll/Limit + 10
		all := newMounts(make([]string, n)...)
		for i, m := range all {
			want := Limit
			if i >= limitOfAll/Limit {
				want = leastLimit
			}
			fill(t, m, want)
			if m.TryEnter() {
				t.Fatalf("mount %d has a place for more than %d calls", i, want)
			}
		}
	})
}

func TestNoMountAdmitsEverything(t *testing.T) {
	var m *Mount
	if err := m.Enter(); err != nil || !m.TryEnter() || m.Point() != "" {
		t.Error(err, m.Point())
	}
	m.EnterLater()
	m.Leave()
}

func TestEnterAndLeaveAllocateNothing(t *testing.T) {
	m := newMounts("/")[0]
	if n := testing.AllocsPerRun(100, func() {
		_ = m.Enter()
		m.Leave()
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkEnterAndLeave(b *testing.B) {
	tree := Beneath("/")
	b.ReportAllocs()
	for b.Loop() {
		m := tree.At("usr/share/doc/readme")
		if err := m.Enter(); err != nil {
			b.Fatal(err)
		}
		m.Leave()
	}
}

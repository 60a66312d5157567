package keylock

import (
	"sync"
	"testing"
)

func TestOneHasTheLockOfAKeyAndNoLockIsLeft(t *testing.T) {
	var l Locks
	var all sync.WaitGroup
	counts := map[string]*int{"a": new(int), "b": new(int)}
	for range 50 {
		for key, count := range counts {
			all.Go(func() {
				defer l.Lock(key)()
				*count++
			})
			all.Go(func() {
				defer l.RLock(key)()
				_ = *count // the race detector sees a writer
			})
		}
	}
	all.Wait()
	for key, count := range counts {
		if *count != 50 {
			t.Errorf("%d had the lock of %s one after another, want 50", *count, key)
		}
	}
	if len(l.locks) != 0 {
		t.Errorf("%d locks are left that nobody uses", len(l.locks))
	}
}

func TestKeysAndReadersDoNotWaitForEachOther(t *testing.T) {
	var l Locks
	unlockA, unlockB := l.Lock("a"), l.RLock("b")
	unlockC, unlockB2 := l.Lock("c"), l.RLock("b") // would block for ever
	if got := len(l.locks); got != 3 {
		t.Errorf("there are %d locks, want 3", got)
	}
	for _, unlock := range []func(){unlockB, unlockA, unlockC, unlockB2} {
		unlock()
	}
}

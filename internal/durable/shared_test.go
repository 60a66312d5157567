package durable_test

import (
	"errors"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"sluice/internal/durable"
)

const errInvalid = syscall.EINVAL

func TestCallsDuringASyncShareTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r durable.SharedSyncs
		var syncs atomic.Int32
		first, second := make(chan struct{}), make(chan struct{})
		broken := errors.New("disk is broken")
		go func() {
			if err := r.Do(1, func() error { syncs.Add(1); <-first; return nil }); err != nil {
				t.Errorf("the first: %v", err)
			}
		}()
		synctest.Wait()
		for range 64 {
			go func() {
				err := r.Do(1, func() error { syncs.Add(1); <-second; return broken })
				if !errors.Is(err, broken) {
					t.Errorf("a call during the first: %v, want %v", err, broken)
				}
			}()
		}
		synctest.Wait()
		if n := syncs.Load(); n != 1 {
			t.Fatalf("%d concurrent syncs, want 1", n)
		}
		if err := r.Do(2, func() error { return nil }); err != nil { // another directory does not wait
			t.Error(err)
		}
		close(first)
		synctest.Wait()
		close(second)
		synctest.Wait()
		if n := syncs.Load(); n != 2 {
			t.Errorf("%d syncs for 65 changes, want 2", n)
		}
		if err := r.Do(1, func() error { syncs.Add(1); return nil }); err != nil || syncs.Load() != 3 {
			t.Errorf("afterwards: %v after %d syncs, want one more", err, syncs.Load())
		}
	})
}

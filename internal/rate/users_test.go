package rate_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"sluice/internal/rate"
)

func TestAUserHasOneLimitForEachRate(t *testing.T) {
	var users rate.Users
	alice := rate.OfUser(&users, "alice", 1000)
	for _, tt := range []struct {
		name  string
		other *rate.UserLimit
		same  bool
	}{
		{"the same user", rate.OfUser(&users, "alice", 1000), true},
		{"another rate", rate.OfUser(&users, "alice", 2000), false},
		{"another user", rate.OfUser(&users, "bob", 1000), false},
	} {
		if (tt.other == alice) != tt.same {
			t.Errorf("%s has the same limit: %v, want %v", tt.name, !tt.same, tt.same)
		}
	}
	for _, none := range []int64{0, -1} {
		if rate.OfUser(&users, "alice", none) != nil {
			t.Errorf("a rate of %d is a limit", none)
		}
	}
	runtime.KeepAlive(alice)
}

func TestALimitStaysWhileATransferHasIt(t *testing.T) {
	var users rate.Users
	transfer := rate.Begin(1000, rate.PerTransfer{}, &rate.OfUser(&users, "alice", 1000).Up)
	runtime.GC()
	runtime.GC()
	limit := rate.OfUser(&users, "alice", 1000)
	if n, err := transfer.Wait(t.Context(), 1000); err != nil || n < 1 {
		t.Fatalf("granted %d, %v", n, err)
	}
	if wait := rate.Reserve(&limit.Up, 1); wait <= 0 {
		t.Error("after a collection there is a limit besides that of the transfer")
	}
	if wait := rate.Reserve(&limit.Down, 1); wait > 0 {
		t.Errorf("the other direction waits %v", wait)
	}
	transfer.Close(1000)
}

func TestLimitsOfUsersThatHaveLeftTakeNoMemory(t *testing.T) {
	var users rate.Users
	for i := range 1000 {
		rate.OfUser(&users, fmt.Sprint(i), 1000)
	}
	deadline := time.After(10 * time.Second)
	for rate.Known(&users) > 0 {
		runtime.GC() // cleanups run later, on a goroutine of the runtime
		select {
		case <-deadline:
			t.Fatalf("%d limits are left", rate.Known(&users))
		default:
			runtime.Gosched()
		}
	}
}

package live_test

import (
	"context"
	"testing"
	"time"

	"sluice/internal/live"
	"sluice/internal/status"
)

// timeout bounds the wait for a state.
const timeout = 20 * time.Second

// await takes snapshots until the only transfer is as wanted.
func await(t *testing.T, r *live.Registry, wanted func(status.Transfer) bool) status.Transfer {
	t.Helper()
	var last status.Transfer
	for end := time.Now().Add(timeout); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if st := live.Snapshot(r); len(st.Sessions) == 1 && len(st.Sessions[0].Transfers) == 1 {
			if last = st.Sessions[0].Transfers[0]; wanted(last) {
				return last
			}
		}
	}
	t.Fatalf("after %v it is %+v, by %+v", timeout, last, last.TCP)
	return last
}

// slowly returns a rate limit of n bytes every 20 ms.
func slowly(n int) func(context.Context, int) (int, error) {
	return func(_ context.Context, most int) (int, error) {
		time.Sleep(20 * time.Millisecond) // the limit
		return min(n, most), nil
	}
}

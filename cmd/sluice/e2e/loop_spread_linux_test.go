//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

// Four large downloads use more than one processor, also if all of them are on connections
// that the kernel has given to one listener. Which listener that is depends on the ports, so
// there are many tries: of 16, with two listeners, one is bad with a probability of 88 %.
func TestLargeDownloadsUseTheProcessors(t *testing.T) {
	const tries, downloads, size = 16, 4, 64 << 20
	if runtime.NumCPU() < 2 {
		t.Skip("there is one processor")
	}
	eachDriver(t, func(t *testing.T, d driver) {
		s := d.serve(t, t.TempDir())
		s.makeProbeFiles()
		s.file("mem/huge", size)
		first := request(t, s, "")
		if err := first.get("mem/huge", size); err != nil {
			t.Fatal(err)
		}
		least := 1.0
		for range tries {
			before := s.threadTimes()
			var running sync.WaitGroup
			for range downloads {
				c := request(t, s, get("mem/huge"))
				running.Go(func() {
					defer c.conn.Close()
					if n, err := io.CopyN(io.Discard, c.in, size); err != nil {
						t.Errorf("%d bytes, %v", n, err)
					}
				})
			}
			running.Wait()
			least = min(least, shareOfOthers(before, s.threadTimes()))
		}
		// A fair share of two threads is a half. The clients need the processors too.
		const want = 0.15
		if least < want {
			t.Errorf("all threads but the busiest used %.0f %% of the time, want %.0f %%", 100*least, 100*want)
		}
		t.Logf("all threads but the busiest used at least %.0f %%", 100*least)
	})
}

// threadTimes returns the processor time of each thread of the server.
func (s *server) threadTimes() map[string]time.Duration {
	s.t.Helper()
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.process.Pid))
	if err != nil || len(names) == 0 {
		s.t.Fatal(names, err)
	}
	times := make(map[string]time.Duration)
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		var ns int64
		if _, err := fmt.Sscan(string(content), &ns); err != nil {
			s.t.Fatal(err)
		}
		times[name] = time.Duration(ns)
	}
	return times
}

// shareOfOthers returns the share of the time between two moments that was not used by the
// busiest thread.
func shareOfOthers(before, after map[string]time.Duration) float64 {
	var most, sum time.Duration
	for name, now := range after {
		used := now - before[name]
		most, sum = max(most, used), sum+used
	}
	return float64(sum-most) / float64(max(sum, 1))
}

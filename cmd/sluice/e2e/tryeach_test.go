//go:build e2e

package e2e

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// tryEach calls try n times for each case, with a unique name, in as many goroutines as
// there are workers. It logs how many tries of each case have succeeded.
func tryEach[Case fmt.Stringer](t *testing.T, n, workers int, cases []Case, try func(c Case, name string) error) {
	t.Helper()
	type job struct{ nth, number int } // of the case, and of the try
	jobs := make(chan job)
	succeeded := make([]atomic.Int32, len(cases))
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for j := range jobs {
				if err := try(cases[j.nth], fmt.Sprintf("%d-%d", j.nth, j.number)); err != nil {
					t.Errorf("%v, try %d: %v", cases[j.nth], j.number, err)
					continue
				}
				succeeded[j.nth].Add(1)
			}
		})
	}
	for number := range n {
		for nth := range cases {
			jobs <- job{nth, number}
		}
	}
	close(jobs)
	all.Wait()
	for nth, c := range cases {
		t.Logf("%v: %d of %d tries have succeeded", c, succeeded[nth].Load(), n)
	}
}

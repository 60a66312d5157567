package plan_test

import (
	"testing"
	"time"

	"sluice/httpd/internal/plan"
)

// hotRequests are those that an event loop answers most.
var hotRequests = []struct {
	name   string
	req    *plan.Request
	allocs float64 // of a plan and its response
}{
	{"a file", target("/big.bin"), 1},                                            // the header
	{"a range", target("/big.bin", "Range", "bytes=10000-75535"), 3},             // and the part, Content-Range
	{"a file that has not changed", target("/big.bin", "If-None-Match", "*"), 1}, // the header
	{"a small file", target("/f.txt"), 1},
}

func TestAPlanOfACachedFileAllocatesLittle(t *testing.T) {
	x := newCachedFixture(t, plan.Config{})
	now := time.Now()
	for _, tt := range hotRequests {
		x.warm(t, tt.req)
		got := testing.AllocsPerRun(100, func() {
			pl, ok := x.mustNot.PlanCached(tt.req, plan.Lookup{}, now)
			if !ok {
				t.Fatalf("%s is not cached", tt.name)
			}
			resp := pl.Respond(t.Context())
			resp.Release()
		})
		if got > tt.allocs {
			t.Errorf("%s: %v allocations, want %v", tt.name, got, tt.allocs)
		}
	}
	r := target("/big.bin")
	if got := testing.AllocsPerRun(100, func() {
		l, ok := x.mustNot.LookupCached(r, now)
		if !ok {
			t.Fatal("the file is not cached")
		}
		l.Release()
	}); got != 0 {
		t.Errorf("LookupCached: %v allocations", got)
	}
}

func BenchmarkPlanCached(b *testing.B) {
	x := newCachedFixture(b, plan.Config{})
	now := time.Now()
	for _, bm := range hotRequests {
		b.Run(bm.name, func(b *testing.B) {
			x.warm(b, bm.req)
			b.ReportAllocs()
			for b.Loop() {
				pl, ok := x.mustNot.PlanCached(bm.req, plan.Lookup{}, now)
				if !ok {
					b.Fatal("not cached")
				}
				resp := pl.Respond(b.Context())
				resp.Release()
			}
		})
	}
}

// BenchmarkLookup compares the two for a file in memory and one on a disk.
func BenchmarkLookup(b *testing.B) {
	x := newCachedFixture(b, plan.Config{})
	now := time.Now()
	for _, path := range []string{"/f.txt", "/big.bin"} {
		r := target(path)
		x.warm(b, r)
		b.Run("Lookup"+path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x.waits.Lookup(r, now).Release()
			}
		})
		b.Run("LookupCached"+path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l, _ := x.mustNot.LookupCached(r, now)
				l.Release()
			}
		})
	}
}

package bench

import (
	"math"
	"testing"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"
)

func TestFromHistogram(t *testing.T) {
	h := hdrhistogram.New(1000, 600e9, 3)
	if l := FromHistogram(h); l != nil {
		t.Errorf("got %+v of nothing, want nil", l)
	}
	if l := FromHistogram(nil); l != nil {
		t.Errorf("got %+v of no histogram, want nil", l)
	}
	for us := range int64(1000) {
		if err := h.RecordValue((us + 1) * 1000); err != nil {
			t.Fatal(err)
		}
	}
	l := FromHistogram(h)
	if l.Count != 1000 {
		t.Errorf("got %d requests, want 1000", l.Count)
	}
	// The histogram keeps 512 ns, and three digits.
	for _, want := range []Percentile{{0, 1}, {50, 500}, {90, 900}, {99, 990}, {99.9, 999}, {100, 1000}} {
		us, ok := l.at(want.Percent)
		if !ok || math.Abs(us-want.Micros) > 0.6+0.001*want.Micros {
			t.Errorf("p%v: got %v us, want %v", want.Percent, us, want.Micros)
		}
	}
	// Of a thousand requests, none stands for 99.99 %.
	if us, ok := l.at(99.99); ok {
		t.Errorf("got p99.99 %v us of 1000 requests, want it absent", us)
	}
	r := &Report{Cells: []Cell{{Subject: "a", Latency: l}}}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
}

func TestFromHistogramOfOneRequest(t *testing.T) {
	h := hdrhistogram.New(1000, 600e9, 3)
	if err := h.RecordValue(123456789); err != nil {
		t.Fatal(err)
	}
	l := FromHistogram(h)
	r := &Report{Cells: []Cell{{Subject: "a", Latency: l}}}
	if err := r.Check(); err != nil {
		t.Fatal(err)
	}
	if len(l.Percentiles) != 2 || l.Percentiles[0].Percent != 0 || l.Percentiles[1].Percent != 100 {
		t.Errorf("got %+v, want the shortest and the longest alone", l.Percentiles)
	}
}

package servers

import (
	"slices"
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"

	"sluice/bench"
	"sluice/bench/load"
)

func rated(subject string, rates ...float64) *cell {
	c := newCell(subject)
	for _, r := range rates {
		c.add("req/s", bench.Higher, r)
	}
	return c
}

func TestTheRateIsAPartOfThatOfTheBestOtherServer(t *testing.T) {
	failed := rated("caddy", 1e6)
	failed.out = true
	for _, tt := range []struct {
		name  string
		cells []*cell
		want  float64
	}{
		{"ours is faster", []*cell{rated("sluice", 200_000), rated("nginx", 90_000), rated("h2o", 97_000)}, 48_000},
		{"the median counts", []*cell{rated("nginx", 10_000, 20_000, 900_000), rated("h2o", 15_000, 15_000, 15_000)}, 10_000},
		{"ours is alone", []*cell{rated("sluice", 5_099)}, 2_500},
		{"one has failed", []*cell{failed, rated("nginx", 85)}, 42},
		{"none has a rate", []*cell{failed, rated("nginx")}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := Workload{Scheme: "http", Name: "half", Load: 0.5, Of: "full"}
			c := rated("nginx")
			m := &comparison{Config: Config{Rounds: 3, Workloads: []Workload{{Scheme: "http", Name: "full"}, w}}, cells: [][]*cell{tt.cells, {c}}}
			m.setRates()
			if c.rate != tt.want {
				t.Errorf("got a rate of %v, want %v", c.rate, tt.want)
			}
			if begins := c.wanted == 3; begins != (tt.want > 0) {
				t.Errorf("it begins: %v, want it if there is a rate", begins)
			}
			if (len(m.notes) > 0) == (tt.want > 0) {
				t.Errorf("notes %q, want one if there is no rate", m.notes)
			}
		})
	}
}

func TestTheWorkloadThatSetsTheRateIsMeasuredToo(t *testing.T) {
	names := func(ws []Workload) (all []string) {
		for _, w := range ws {
			all = append(all, w.Name)
		}
		return all
	}
	all := HTTP()
	half := all[slices.IndexFunc(all, func(w Workload) bool { return w.Name == "1KiB-half-load" })]
	got, err := withRates([]Workload{half})
	if want := []string{"1KiB", "1KiB-half-load"}; err != nil || !slices.Equal(names(got), want) {
		t.Errorf("got %q, %v, want %q", names(got), err, want)
	}
	if got, err := withRates(all); err != nil || !slices.Equal(names(got), names(all)) {
		t.Errorf("got %q, %v, want what there is", names(got), err)
	}
	half.Of = "nothing"
	if _, err := withRates([]Workload{half}); err == nil || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("got %v, want an error that names the missing workload", err)
	}
}

func TestATailTakesAThousandRequests(t *testing.T) {
	for n, want := range map[int]string{999: "p50-us p99-us", 1000: "p50-us p99-us p99.9-us"} {
		h := hdrhistogram.New(1, 1e9, 3)
		for range n {
			_ = h.RecordValue(1e6)
		}
		c := newCell("nginx")
		c.addLatency(&load.Result{Latency: h})
		if got := strings.Join(units(bench.Cell{Metrics: c.metrics}), " "); got != want {
			t.Errorf("%d requests: got %s, want %s", n, got, want)
		}
	}
}

func units(c bench.Cell) (all []string) {
	for _, m := range c.Metrics {
		all = append(all, m.Unit)
	}
	return all
}

func TestANoteNamesAServerThatDoesNotKeepUp(t *testing.T) {
	for late, want := range map[int64]int{10: 0, 30: 1} {
		c := rated("gofs", 1)
		c.rate = 1000
		c.count(&load.Result{Requests: 970, Unfinished: late})
		var r bench.Report
		c.addTo(&r)
		if len(r.Notes) != want {
			t.Errorf("%d late: notes %q, want %d", late, r.Notes, want)
		}
	}
}

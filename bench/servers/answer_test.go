package servers

import (
	"slices"
	"strings"
	"testing"

	"sluice/bench"
)

// measured returns a cell of a workload with nine rounds about these figures.
func measured(subject, protocol, workload, costUnit string, cost float64, rateUnit string, rate float64) bench.Cell {
	about := func(v float64) (samples []float64) {
		for _, times := range []float64{0.97, 0.98, 0.99, 1, 1, 1, 1.01, 1.02, 1.03} {
			samples = append(samples, v*times)
		}
		return samples
	}
	return bench.Cell{
		Subject: subject,
		Params:  []bench.Pair{{Name: "protocol", Value: protocol}, {Name: "workload", Value: workload}},
		Metrics: []bench.Metric{
			{Unit: costUnit, Better: bench.Lower, Samples: about(cost)},
			{Unit: rateUnit, Better: bench.Higher, Samples: about(rate)},
		},
	}
}

// and adds a metric with nine rounds about a figure.
func and(c bench.Cell, unit string, figure float64) bench.Cell {
	c.Metrics = append(c.Metrics, measured("", "", "", unit, figure, "", 1).Metrics[0])
	return c
}

func TestTheAnswerSaysWhereOursIsBetterEqualAndWorse(t *testing.T) {
	noisy := measured("sluice", "http", "10KiB", "cpu-s/100k", 1, "req/s", 100)
	noisy.Metrics[0].Samples = []float64{0.5, 0.6, 0.7, 0.8, 1, 1.2, 1.4, 1.8, 2}
	r := &bench.Report{Cells: []bench.Cell{
		measured("sluice", "http", "100MiB", "cpu-s/GB", 0.1, "MB/s", 3000),
		measured("nginx", "http", "100MiB", "cpu-s/GB", 0.2, "MB/s", 2000),
		and(measured("sluice", "http", "1KiB", "cpu-s/100k", 1.4, "req/s", 80000), "p99-us", 700),
		and(measured("nginx", "http", "1KiB", "cpu-s/100k", 1.01, "req/s", 100000), "p99-us", 800),
		and(measured("h2o", "http", "1KiB", "cpu-s/100k", 1, "req/s", 90000), "p99-us", 700),
		noisy,
		measured("h2o", "http", "10KiB", "cpu-s/100k", 1, "req/s", 100),
		measured("sluice", "http", "idle", "B/conn", 6400, "none", 1),
		measured("nginx", "http", "idle", "B/conn", 400, "none", 1),
		measured("sluice", "ftp", "login", "cpu-s/100k", 1, "req/s", 100),
	}}
	want := []string{
		"CPU time of Sluice, by ratio to the best other server: cheaper in http 100MiB (0.50 of nginx, 0.49 to 0.51); " +
			"more expensive in http 1KiB (1.40 of h2o, 1.36 to 1.44); " +
			"undecided by these rounds in http 10KiB (1.00 of h2o, 0.60 to 1.80).",
		"Rate of Sluice, by ratio to the best other server: faster in http 100MiB (1.50 of nginx, 1.46 to 1.55); " +
			"equal in http 10KiB (1.00 of h2o, 0.97 to 1.03); slower in http 1KiB (0.80 of nginx, 0.78 to 0.82).",
		"99th percentile of latency of Sluice, by ratio to the best other server: equal in http 1KiB (1.00 of h2o, 0.97 to 1.03).",
		"Memory of an idle connection of Sluice, by ratio to the best other server: larger in http idle (16.00 of nginx, 15.53 to 16.48).",
	}
	if got := answer(r); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	limit := measured("kernel-alone", "http", "100MiB", "cpu-s/GB", 0.01, "MB/s", 9000)
	limit.Limit = true
	if got := answer(&bench.Report{Cells: append(slices.Clone(r.Cells), limit)}); !slices.Equal(got, want) {
		t.Errorf("with a limit: got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheAnswerWithoutOursNamesTheCheapest(t *testing.T) {
	r := &bench.Report{Cells: []bench.Cell{
		measured("caddy", "http", "100MiB", "cpu-s/GB", 0.1, "MB/s", 3000),
		measured("nginx", "http", "100MiB", "cpu-s/GB", 0.2, "MB/s", 2000),
		measured("caddy", "http", "1KiB", "cpu-s/100k", 1.4, "req/s", 80000),
		measured("nginx", "http", "1KiB", "cpu-s/100k", 1.01, "req/s", 100000),
		measured("h2o", "http", "1KiB", "cpu-s/100k", 1, "req/s", 90000),
	}}
	want := []string{
		"Least CPU time per GB: caddy in http 100MiB.",
		"Least CPU time per request: h2o or nginx (no difference beyond the noise) in http 1KiB.",
	}
	if got := answer(r); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheAnswerSaysWhatIsMissingToCompare(t *testing.T) {
	few := func(subject string) bench.Cell {
		c := measured(subject, "http", "1KiB", "cpu-s/100k", 1, "req/s", 1)
		for i := range c.Metrics {
			c.Metrics[i].Samples = c.Metrics[i].Samples[:4]
		}
		return c
	}
	for name, cells := range map[string][]bench.Cell{
		"one server":  {measured("sluice", "http", "1KiB", "cpu-s/100k", 1, "req/s", 1)},
		"four rounds": {few("sluice"), few("nginx")},
	} {
		if got := answer(&bench.Report{Cells: cells}); len(got) != 1 || !strings.Contains(got[0], "two servers or more, and five rounds") {
			t.Errorf("%s: got %q, want a sentence that says what is missing", name, got)
		}
	}
}

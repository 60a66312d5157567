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

func TestTheAnswerNamesTheCheapest(t *testing.T) {
	r := &bench.Report{Cells: []bench.Cell{
		measured("sluice", "http", "100MiB", "cpu-s/GB", 0.1, "MB/s", 3000),
		measured("nginx", "http", "100MiB", "cpu-s/GB", 0.2, "MB/s", 2000),
		measured("sluice", "http", "1KiB", "cpu-s/100k", 1.4, "req/s", 80000),
		measured("nginx", "http", "1KiB", "cpu-s/100k", 1.01, "req/s", 100000),
		measured("h2o", "http", "1KiB", "cpu-s/100k", 1, "req/s", 90000),
		measured("sluice", "ftp", "login", "cpu-s/100k", 1, "req/s", 100),
	}}
	want := []string{
		"Least CPU time per GB: sluice in http 100MiB.",
		"Least CPU time per request: h2o or nginx (no difference beyond the noise) in http 1KiB.",
		"Sluice costs more than the cheapest: in http 1KiB 1.40 times as much as h2o (1.36 to 1.44).",
		"Sluice is slower than the fastest: in http 1KiB 0.80 of the req/s of nginx (0.78 to 0.82).",
	}
	if got := answer(r); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	limit := measured("kernel-alone", "http", "100MiB", "cpu-s/GB", 0.01, "MB/s", 9000)
	limit.Limit = true
	if got := answer(&bench.Report{Cells: append(slices.Clone(r.Cells), limit)}); !slices.Equal(got, want) {
		t.Errorf("with a limit: got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	r.Cells = r.Cells[:2]
	want = []string{
		"Least CPU time per GB: sluice in http 100MiB.",
		"Sluice nowhere costs more than the cheapest, beyond the noise.",
		"Sluice is nowhere slower than the fastest, beyond the noise.",
	}
	if got := answer(r); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	r.Cells = r.Cells[1:]
	if got := answer(r); len(got) != 1 || !strings.Contains(got[0], "two servers or more") {
		t.Errorf("got %q of one server, want a sentence that says what is missing", got)
	}
}

package methods

import (
	"slices"
	"strings"
	"testing"

	"sluice/bench"
)

// measured returns a cell whose rounds are these times the figures.
func measured(method, size, clients string, state cache, cost, rate float64, rounds ...float64) bench.Cell {
	scaled := func(v float64) (samples []float64) {
		for _, times := range rounds {
			samples = append(samples, v*times)
		}
		return samples
	}
	return bench.Cell{
		Subject: method,
		Params:  []bench.Pair{{Name: "size", Value: size}, {Name: "clients", Value: clients}, {Name: "cache", Value: string(state)}},
		Metrics: []bench.Metric{
			{Unit: "cpu-s/GB", Better: bench.Lower, Samples: scaled(cost)},
			{Unit: "MB/s", Better: bench.Higher, Samples: scaled(rate)},
		},
	}
}

var (
	quiet = []float64{0.97, 0.98, 0.99, 1, 1, 1, 1.01, 1.02, 1.03}
	noisy = []float64{0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.3, 1.5, 1.7}
)

func TestTheAnswerClaimsWhatTheRoundsSupport(t *testing.T) {
	r := &bench.Report{Cells: []bench.Cell{
		measured("sluice", "1MiB", "1", hot, 9, 9, quiet...), // fewer clients: not in the answer
		measured("rw-64k", "1MiB", "1", hot, 9, 9, quiet...),
		measured("sluice", "4KiB", "16", hot, 1, 900, quiet...),
		measured("sluice", "64KiB", "16", hot, 1, 900, noisy...),
		measured("sluice", "1MiB", "16", hot, 0.4, 2000, quiet...),
		measured("sluice", "1GiB", "16", hot, 1.5, 500, quiet...),
		measured("rw-8k", "1MiB", "16", hot, 3, 300, quiet...),
		measured("rw-64k", "4KiB", "16", hot, 1, 900, quiet...),
		measured("rw-64k", "64KiB", "16", hot, 1.1, 800, noisy...),
		measured("rw-64k", "1MiB", "16", hot, 1, 1000, quiet...),
		measured("rw-64k", "1GiB", "16", hot, 1, 1000, quiet...),
		measured("tls", "1MiB", "16", hot, 2, 400, quiet...),
		measured("sluice", "1MiB", "1", cold, 0.6, 100, quiet...),
		measured("rw-64k", "1MiB", "1", cold, 1, 100, quiet...),
	}}
	want := []string{
		"Zero-copy (sluice) costs less CPU time than copying (rw-64k): 0.40 of it at 1MiB (0.39 to 0.41). " +
			"It costs more CPU time than copying (rw-64k): 1.50 times as much at 1GiB (1.46 to 1.54). " +
			"It costs as much CPU time as copying (rw-64k), within 10 %, at 4KiB (0.97 to 1.03). " +
			"It shows no difference in CPU time from copying (rw-64k), beyond the noise, at 64KiB (0.55 to 1.52)." +
			" (clients=16, files in the page cache; in parentheses 99 % intervals.)",
	}
	got := answer(r)
	if len(got) != 4 || got[0] != want[0] {
		t.Fatalf("got\n%s\nwant four sentences, the first\n%s", strings.Join(got, "\n"), want[0])
	}
	for i, part := range []string{"", "It is faster than copying (rw-64k): 2.00 times its MB/s at 1MiB", "TLS, which copies and encrypts, costs more CPU time than zero-copy: 5.00 times as much at 1MiB", "With the files read from the disk, zero-copy costs less CPU time than copying: 0.60 of it at 1MiB"} {
		if !strings.Contains(got[i], part) {
			t.Errorf("got the sentence %q, want one with %q", got[i], part)
		}
	}
}

func TestTheAnswerSaysWhatItLacks(t *testing.T) {
	few := []float64{1, 1, 1, 1}
	tests := []struct {
		name  string
		cells []bench.Cell
		want  string
	}{
		{"a copying method", []bench.Cell{measured("sluice", "1MiB", "1", hot, 1, 1, quiet...)}, "takes one of the methods sluice, sendfile, splice and one of rw-64k"},
		{"rounds", []bench.Cell{
			measured("sendfile", "1MiB", "1", hot, 1, 1, few...), measured("rw-8k", "1MiB", "1", hot, 9, 9, few...),
		}, "too few rounds"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := answer(&bench.Report{Cells: tt.cells})
			if len(got) != 1 || !strings.Contains(got[0], tt.want) {
				t.Errorf("got %q, want one sentence with %q", got, tt.want)
			}
		})
	}
}

func TestTheAnswerTakesWhatWasMeasured(t *testing.T) {
	r := &bench.Report{Cells: []bench.Cell{
		measured("splice", "1MiB", "1", hot, 0.5, 2000, quiet...), measured("rw-8k", "1MiB", "1", hot, 1, 1000, quiet...),
	}}
	for i := range r.Cells { // as where there is no getrusage
		r.Cells[i].Metrics = slices.Delete(r.Cells[i].Metrics, 0, 1)
	}
	got := answer(r)
	if len(got) != 1 || !strings.HasPrefix(got[0], "Zero-copy (splice) is faster than copying (rw-8k): 2.00 times its MB/s at 1MiB") {
		t.Errorf("got %q, want a sentence about MB/s alone", got)
	}
}

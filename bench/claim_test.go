package bench

import (
	"strings"
	"testing"
)

func TestClaims(t *testing.T) {
	quiet := []float64{0.97, 0.98, 0.99, 1, 1, 1, 1.01, 1.02, 1.03}
	wide := []float64{0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.3, 1.5, 1.7}
	times := func(samples []float64, factor float64) []float64 {
		out := make([]float64, len(samples))
		for i, v := range samples {
			out[i] = v * factor
		}
		return out
	}
	tests := []struct {
		name string
		a, b []float64
		want Finding
		ok   bool
	}{
		{"far below", times(quiet, 0.4), quiet, Less, true},
		{"far above", times(quiet, 1.5), quiet, More, true},
		{"equal", quiet, quiet, Alike, true},
		{"a little above, within the noise", times(quiet, 1.01), quiet, Alike, true},
		{"above, with much noise", times(wide, 1.1), wide, Undecided, true},
		{"five rounds", []float64{1, 1, 1, 1, 1}, []float64{2, 2, 2, 2, 2}, Less, true},
		{"four rounds", []float64{1, 1, 1, 1}, []float64{2, 2, 2, 2}, Undecided, false},
		{"zero", times(quiet, 0), quiet, Undecided, false},
		{"no samples", nil, quiet, Undecided, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cell := func(samples []float64) *Cell { return &Cell{Metrics: []Metric{{"cpu-s/GB", Lower, samples}}} }
			c, ok := ClaimOf(cell(tt.a), cell(tt.b), "cpu-s/GB")
			if ok != tt.ok || c.Finding != tt.want {
				t.Errorf("got %+v, %v, want finding %d, %v", c, ok, tt.want, tt.ok)
			}
		})
	}
}

// Equal cells must not be called different more often than the level says.
func TestClaimsOfEqualCellsAreRarelyWrong(t *testing.T) {
	rnd := newRand()
	const runs = 2000
	wrong := 0
	for range runs {
		cell := func() *Cell { return &Cell{Metrics: []Metric{{"MB/s", Higher, noisy(rnd, 9, 100, 0.2)}}} }
		if c, _ := ClaimOf(cell(), cell(), "MB/s"); c.Finding == Less || c.Finding == More {
			wrong++
		}
	}
	t.Logf("%d of %d claims are wrong", wrong, runs)
	if wrong > runs*2/100 {
		t.Errorf("got %d wrong claims of %d, want about 1 %%", wrong, runs)
	}
}

func TestRoundsFor(t *testing.T) {
	tests := []struct {
		name    string
		metrics []Metric
		want    int
	}{
		{"precise enough", []Metric{{"cpu-s/GB", Lower, []float64{1, 1.05, 0.95, 1}}}, 4},
		{"twice as wide", []Metric{{"cpu-s/GB", Lower, []float64{1, 1.2, 0.8, 1}}}, 16},
		{"the wider of two", []Metric{{"cpu-s/GB", Lower, []float64{1, 1.2, 0.8, 1}}, {"MB/s", Higher, []float64{1, 1.3, 0.8, 1}}}, 36},
		{"a latency does not count", []Metric{{"p99-us", Lower, []float64{1, 9, 1, 1}}, {"MB/s", Higher, []float64{1, 1, 1, 1}}}, 4},
		{"nothing", nil, 0},
	}
	for _, tt := range tests {
		c := Cell{Metrics: tt.metrics}
		if got := c.RoundsFor(0.1); got < tt.want || got > tt.want+1 { // rounding
			t.Errorf("%s: got %d rounds, want %d", tt.name, got, tt.want)
		}
	}
}

func TestNoiseNote(t *testing.T) {
	r := &Report{Cells: []Cell{
		{Subject: "quiet", Metrics: []Metric{{"MB/s", Higher, []float64{1, 1, 1, 1}}}},
		{Subject: "noisy", Metrics: []Metric{{"MB/s", Higher, []float64{1, 1.3, 1, 1}}}},
	}}
	got := NoiseNote(r, 0.1, "wait")
	if !strings.Contains(got, "above 10 % in 1 of 2 cells, at worst 30 % in noisy") || !strings.HasSuffix(got, "or wait.") {
		t.Errorf("got %q", got)
	}
	if got := NoiseNote(r, 0.5, "wait"); got != "" {
		t.Errorf("got %q where all is within 50 %%, want nothing", got)
	}
}

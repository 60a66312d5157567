package bench

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// simulate returns a run of 60 cells with six rounds of this noise, of two metrics
// that gate and one that does not.
func simulate(rnd *rand.Rand, sigma float64) *Report {
	r := &Report{}
	for i := range 60 {
		r.Cells = append(r.Cells, Cell{
			Subject: fmt.Sprint("method ", i),
			Metrics: []Metric{
				{"MB/s", Higher, noisy(rnd, 6, 1000, sigma)},
				{"cpu-s/GB", Lower, noisy(rnd, 6, 0.3, sigma)},
				{"p99-us", Lower, noisy(rnd, 6, 900, 3*sigma)},
			},
		})
	}
	return r
}

func TestSameProgramRaisesNoAlarm(t *testing.T) {
	rnd := newRand()
	for _, sigma := range []float64{0.05, 0.10} {
		const runs = 40
		alarms := 0
		for range runs {
			if len(Compare(simulate(rnd, sigma), simulate(rnd, sigma)).Regressions()) > 0 {
				alarms++
			}
		}
		t.Logf("noise of %.0f %%: %d false alarms in %d runs", sigma*100, alarms, runs)
		if alarms*20 >= runs {
			t.Errorf("with noise of %.0f %% got %d false alarms in %d runs, want fewer than 5 %%", sigma*100, alarms, runs)
		}
	}
}

// A whole run may be a little slower than the one before, for reasons outside of
// the program.
func TestDriftWithinToleranceRaisesNoAlarm(t *testing.T) {
	rnd := newRand()
	const runs = 40
	alarms := 0
	for range runs {
		slower := scaled(simulate(rnd, 0.05), "", "MB/s", 0.96)
		if len(Compare(simulate(rnd, 0.05), slower).Regressions()) > 0 {
			alarms++
		}
	}
	t.Logf("%d false alarms in %d runs", alarms, runs)
	if alarms*20 >= runs {
		t.Errorf("got %d false alarms in %d runs, want fewer than 5 %%", alarms, runs)
	}
}

func TestRegressionOfOneCellIsFound(t *testing.T) {
	tests := []struct {
		unit   string
		factor float64
	}{
		{"MB/s", 0.7},
		{"cpu-s/GB", 1.3},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s times %v", tt.unit, tt.factor), func(t *testing.T) {
			rnd := newRand()
			const runs = 40
			found := 0
			for range runs {
				worse := Compare(simulate(rnd, 0.05), scaled(simulate(rnd, 0.05), "method 7", tt.unit, tt.factor)).Regressions()
				for _, ch := range worse {
					if ch.Cell == "method 7" && ch.Unit == tt.unit {
						found++
					}
				}
			}
			t.Logf("found in %d of %d runs", found, runs)
			if found*100 < runs*95 {
				t.Errorf("found in %d of %d runs, want at least 95 %%", found, runs)
			}
		})
	}
}

// The interval of the ratio must hold the true ratio as often as it says.
func TestRatioIntervalHoldsTheRatio(t *testing.T) {
	rnd := newRand()
	for _, rounds := range [][2]int{{4, 4}, {6, 6}, {6, 12}, {20, 20}} {
		const runs = 400
		held := 0
		for range runs {
			ch := Change{Better: Higher}
			a, b := noisy(rnd, rounds[0], 100, 0.1), noisy(rnd, rounds[1], 80, 0.1)
			ch.Old, ch.New = Metric{Samples: a}.Summary(), Metric{Samples: b}.Summary()
			ch.judge(a, b, 0.05)
			if ch.Ratio.Low <= 0.8 && 0.8 <= ch.Ratio.High {
				held++
			}
			if ch.Ratio.Value < ch.Ratio.Low || ch.Ratio.Value > ch.Ratio.High {
				t.Fatalf("got %+v, want the ratio inside of its interval", *ch.Ratio)
			}
		}
		if got := float64(held) / runs; got < 0.92 {
			t.Errorf("with %v rounds got %.3f of the ratios inside, want 0.95", rounds, got)
		}
	}
}

func TestVerdicts(t *testing.T) {
	tests := []struct {
		name     string
		unit     string
		better   Direction
		old, new []float64
		want     Verdict
		gates    bool
	}{
		{"throughput halves", "MB/s", Higher, []float64{99, 100, 101, 102}, []float64{50, 51, 49, 50}, Worse, true},
		{"throughput doubles", "MB/s", Higher, []float64{99, 100, 101, 102}, []float64{199, 200, 201, 202}, Better, true},
		{"cost halves", "cpu-s/GB", Lower, []float64{99, 100, 101, 102}, []float64{50, 51, 49, 50}, Better, true},
		{"cost doubles", "cpu-s/GB", Lower, []float64{99, 100, 101, 102}, []float64{199, 200, 201, 202}, Worse, true},
		{"nothing changes", "MB/s", Higher, []float64{99, 100, 101, 102}, []float64{99, 100, 101, 102}, Same, true},
		{"three percent, without any noise, are within the tolerance", "MB/s", Higher, []float64{100, 100, 100, 100}, []float64{97, 97, 97, 97}, Same, true},
		{"half, without any noise", "MB/s", Higher, []float64{100, 100, 100, 100}, []float64{50, 50, 50, 50}, Worse, true},
		{"half in most rounds, as before in one", "MB/s", Higher, []float64{100, 100, 100, 100}, []float64{50, 50, 50, 100}, Same, true},
		{"three rounds are too few", "MB/s", Higher, []float64{100, 100, 100}, []float64{50, 50, 50}, Unknown, true},
		{"a single round", "calls/GB", Lower, []float64{100}, []float64{500}, Unknown, true},
		{"zero has no ratio", "errors", Lower, []float64{0, 0, 0, 0}, []float64{0, 0, 0, 0}, Unknown, true},
		{"the median of latency doubles", "p50-us", Lower, []float64{99, 100, 101, 102}, []float64{199, 200, 201, 202}, Worse, true},
		{"the tail of latency doubles", "p99.9-us", Lower, []float64{99, 100, 101, 102}, []float64{199, 200, 201, 202}, Worse, false},
		{"a unit that begins with p", "packets/GB", Lower, []float64{99, 100, 101, 102}, []float64{199, 200, 201, 202}, Worse, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			report := func(samples []float64) *Report {
				return &Report{Cells: []Cell{{Subject: "a", Metrics: []Metric{{tt.unit, tt.better, samples}}}}}
			}
			c := Compare(report(tt.old), report(tt.new))
			if len(c.Changes) != 1 || c.Changes[0].Verdict != tt.want || c.Changes[0].Gates != tt.gates {
				t.Fatalf("got %+v, want one change, %s, gates %v", c.Changes, tt.want, tt.gates)
			}
			if got, want := len(c.Regressions()) == 1, tt.want == Worse && tt.gates; got != want {
				t.Errorf("got regression %v, want %v", got, want)
			}
		})
	}
}

func TestCompareMatchesCellsWhateverTheOrder(t *testing.T) {
	cell := func(subject string, params ...Pair) Cell {
		return Cell{Subject: subject, Params: params, Metrics: []Metric{{"MB/s", Higher, []float64{1, 2, 3, 4}}}}
	}
	size, clients := Pair{"size", "1MiB"}, Pair{"clients", "16"}
	old := &Report{Cells: []Cell{cell("gone"), cell("kept", size, clients)}}
	now := &Report{Cells: []Cell{cell("kept", clients, size), cell("fresh")}}
	c := Compare(old, now)
	if len(c.Changes) != 1 || c.Changes[0].Cell != "kept clients=16 size=1MiB" {
		t.Errorf("got %+v, want the kept cell", c.Changes)
	}
	if fmt.Sprint(c.OnlyOld, c.OnlyNew) != "[gone] [fresh]" {
		t.Errorf("got only old %v, only new %v, want gone and fresh", c.OnlyOld, c.OnlyNew)
	}
}

func TestCompareWarnsOfAnotherMachine(t *testing.T) {
	now := fixture()
	load := 9.0
	now.Host.Load = &load // differs in each run
	if got := Compare(fixture(), now).Warnings; len(got) > 0 {
		t.Errorf("got warnings %q of the same machine, want none", got)
	}
	now.Host.Kernel, now.Host.Memory = "7.0.1", 0
	now.Settings[1].Value = "50ms"
	now = scaled(now, "", "MB/s", 0.85)
	got := strings.Join(Compare(fixture(), now).Warnings, "\n")
	for _, want := range []string{
		"kernel was 6.18.44, is 7.0.1",
		"memory was 8.0 GiB, is unknown",
		"setting time per round was 200ms, is 50ms",
		"MB/s is 0.85 times what it was in the median cell",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got warnings\n%s\nwant one with %q", got, want)
		}
	}
}

func TestWriteComparison(t *testing.T) {
	old := fixture()
	now := scaled(fixture(), "rw-8k", "MB/s", 0.6)
	now = scaled(now, "tls", "cpu-s/GB", 0.5)
	now.Host.Kernel = "7.0.1"
	now.Cells[0].Subject = "new\x1b[2J" // would clear the screen
	var b bytes.Buffer
	if err := WriteComparison(&b, Compare(old, now), 80); err != nil {
		t.Fatal(err)
	}
	golden(t, "comparison.txt", b.Bytes())
	b.Reset()
	if err := WriteComparison(&b, Compare(&Report{}, now), 80); err != nil {
		t.Fatal(err)
	}
	if want := "nothing was compared"; !strings.Contains(b.String(), want) {
		t.Errorf("got %q, want it to say %q", b.String(), want)
	}
}

func TestRankCut(t *testing.T) {
	// Tables of Mann and Whitney's U give the largest significant U, which is
	// one less than the number of samples to leave out.
	tests := []struct {
		n, m  int
		level float64
		want  int
	}{
		{60, 60, 0.05, 1426}, {3, 3, 0.05, 0}, {4, 4, 0.05, 1}, {5, 5, 0.05, 3}, {6, 6, 0.05, 6}, {10, 10, 0.05, 24},
		{6, 10, 0.05, 12}, {20, 20, 0.05, 128}, {6, 6, 0.01, 3}, {1, 1, 0.05, 0},
	}
	for _, tt := range tests {
		if got := rankCut(tt.n, tt.m, tt.level); got != tt.want {
			t.Errorf("%d and %d samples at %v: got %d, want %d", tt.n, tt.m, tt.level, got, tt.want)
		}
	}
}

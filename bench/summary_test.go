package bench

import (
	"math"
	"slices"
	"testing"
)

func TestSummary(t *testing.T) {
	tests := []struct {
		name            string
		samples         []float64
		median, low, hi float64
		chance          float64
	}{
		{"one round has no spread", []float64{7}, 7, 7, 7, 0},
		{"two rounds are a range", []float64{9, 7}, 8, 7, 9, 0},
		{"three rounds are a range", []float64{3, 1, 2}, 2, 1, 3, 1 - 2*4.0/20},
		{"six rounds are a range, which holds the next median in five of six runs", []float64{6, 5, 4, 3, 2, 1}, 3.5, 1, 6, 1 - 2*84.0/924},
		{"nine rounds are enough for 95 %", []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}, 5, 1, 9, 1 - 2*715.0/48620},
		{"the largest numbers do not overflow", []float64{math.MaxFloat64, math.MaxFloat64}, math.MaxFloat64, math.MaxFloat64, math.MaxFloat64, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(tt.samples)
			s := Metric{Samples: tt.samples}.Summary()
			if s.Rounds != len(tt.samples) || s.Median != tt.median || s.Low != tt.low || s.High != tt.hi {
				t.Errorf("got %+v, want median %v from %v to %v", s, tt.median, tt.low, tt.hi)
			}
			if math.Abs(s.Chance-tt.chance) > 1e-9 {
				t.Errorf("got chance %v, want %v", s.Chance, tt.chance)
			}
			if !slices.Equal(tt.samples, before) {
				t.Error("the samples were put in another order")
			}
		})
	}
}

// The spread must hold the median of a second run as often as Chance says.
func TestSpreadHoldsTheNextMedian(t *testing.T) {
	rnd := newRand()
	for _, rounds := range []int{3, 6, 9, 12, 25} {
		const runs = 1000
		held, chance := 0, 0.0
		for range runs {
			first := Metric{Samples: noisy(rnd, rounds, 100, 0.1)}.Summary()
			second := Metric{Samples: noisy(rnd, rounds, 100, 0.1)}.Summary()
			chance = first.Chance
			if first.Low <= second.Median && second.Median <= first.High {
				held++
			}
		}
		got := float64(held) / runs
		if got < chance-0.035 {
			t.Errorf("with %d rounds got %.3f of the next medians inside, want %.3f", rounds, got, chance)
		}
		if rounds >= 9 && chance < wantedChance {
			t.Errorf("with %d rounds got a chance of %.3f, want %.2f", rounds, chance, wantedChance)
		}
	}
}

func TestMoreRoundsNarrowTheSpread(t *testing.T) {
	for _, rounds := range []int{30, 300} {
		samples := make([]float64, rounds)
		for i := range samples {
			samples[i] = float64(i)
		}
		s := Metric{Samples: samples}.Summary()
		if width := (s.High - s.Low) / float64(rounds); width > 4/math.Sqrt(float64(rounds)) {
			t.Errorf("with %d rounds got a spread of %.2f of the range, want it to shrink with the root", rounds, width)
		}
	}
}

func TestApartNeedsRoundsAndAGap(t *testing.T) {
	sum := func(samples ...float64) Summary { return Metric{Samples: samples}.Summary() }
	tests := []struct {
		name string
		a, b Summary
		want bool
	}{
		{"separated", sum(1, 2, 3, 4), sum(5, 6, 7, 8), true},
		{"separated the other way", sum(5, 6, 7, 8), sum(1, 2, 3, 4), true},
		{"touching", sum(1, 2, 3, 5), sum(5, 6, 7, 8), false},
		{"separated, with three rounds", sum(1, 2, 3), sum(5, 6, 7, 8), false},
		{"one round each", sum(1), sum(9), false},
	}
	for _, tt := range tests {
		if got := tt.a.apart(tt.b); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

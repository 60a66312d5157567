package bench

import (
	"math"
	"testing"
)

// The critical values are those of the tables in textbooks, for example the
// NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.2.
func TestStudentsT(t *testing.T) {
	tests := []struct{ freedom, t, want float64 }{
		{1, 6.314, 0.05}, {1, 63.657, 0.005}, {2, 2.920, 0.05}, {5, 2.015, 0.05}, {5, 4.032, 0.005},
		{10, 1.812, 0.05}, {10, 3.169, 0.005}, {30, 1.697, 0.05}, {100, 2.626, 0.005}, {1e6, 1.645, 0.05},
		{3, 0, 0.5},
	}
	for _, tt := range tests {
		if got := tSurvival(tt.t, tt.freedom); math.Abs(got-tt.want) > tt.want/500 {
			t.Errorf("%v degrees of freedom: the chance above %v is %v, want %v", tt.freedom, tt.t, got, tt.want)
		}
	}
}

func TestLogBinomial(t *testing.T) {
	tests := []struct {
		n, k int
		want float64
	}{{0, 0, 1}, {5, 0, 1}, {5, 5, 1}, {5, 2, 10}, {12, 6, 924}, {18, 9, 48620}, {60, 30, 118264581564861424}}
	for _, tt := range tests {
		if got := math.Exp(logBinomial(tt.n, tt.k)); math.Abs(got/tt.want-1) > 1e-11 {
			t.Errorf("%d over %d: got %v, want %v", tt.n, tt.k, got, tt.want)
		}
	}
}

func TestMeanError(t *testing.T) {
	// The variance of these is 2.5, by hand.
	if mean, squared := meanError([]float64{1, 2, 3, 4, 5}); math.Abs(mean-3) > 1e-12 || math.Abs(squared-0.5) > 1e-12 {
		t.Errorf("got mean %v and squared error %v, want 3 and 0.5", mean, squared)
	}
}

package bench

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// logs returns the logarithms of samples. It is false if one is not above zero.
func logs(samples []float64) ([]float64, bool) {
	out := make([]float64, len(samples))
	for i, v := range samples {
		if v <= 0 {
			return nil, false
		}
		out[i] = math.Log(v)
	}
	return out, true
}

// ratioOf returns the quotient of the medians of a and b, with an interval of the
// confidence 1 - level, or nil if a sample is not above zero.
func ratioOf(a, b []float64, level float64) *Ratio {
	logA, okA := logs(a)
	logB, okB := logs(b)
	if !okA || !okB {
		return nil
	}
	low, high := shift(logB, logA, level)
	value := Metric{Samples: a}.Summary().Median / Metric{Samples: b}.Summary().Median
	// With an even number of rounds the quotient of the medians can be slightly
	// outside of the interval.
	return &Ratio{value, min(math.Exp(low), value), max(math.Exp(high), value)}
}

// shift returns a confidence interval of how far b is above a: the range of the
// differences of all pairs, without the extremes that Mann and Whitney's U says
// can be left out.
func shift(a, b []float64, level float64) (low, high float64) {
	all := make([]float64, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			all = append(all, y-x)
		}
	}
	slices.Sort(all)
	cut := rankCut(len(a), len(b), level)
	return all[cut], all[len(all)-1-cut]
}

// rankCut returns the largest k for which U, of n and m samples of the same
// distribution without ties, is below k with a chance of at most level/2.
func rankCut(n, m int, level float64) int {
	if n*m > 2500 {
		// The normal distribution is close enough here: 3 % too narrow at worst.
		deviation := math.Sqrt(float64(n) * float64(m) * float64(n+m+1) / 12)
		z := math.Sqrt2 * math.Erfinv(1-level)
		return max(0, int(float64(n)*float64(m)/2-z*deviation))
	}
	limit := level / 2 * math.Exp(logBinomial(n+m, n))
	sum := 0.0
	for k, ways := range rankSums(n, m) {
		if sum += ways; sum > limit {
			return k
		}
	}
	return 0
}

// rankSums returns in how many orders of n and m samples U is 0, 1, and so on: the
// coefficients of the Gaussian binomial (n+m choose n).
func rankSums(n, m int) []float64 {
	sums := make([]float64, n*m+1)
	sums[0] = 1
	for i := 1; i <= n; i++ {
		// Multiply by 1-q^(m+i), then divide by 1-q^i.
		for u := len(sums) - 1; u >= m+i; u-- {
			sums[u] -= sums[u-m-i]
		}
		for u := i; u < len(sums); u++ {
			sums[u] += sums[u-i]
		}
	}
	return sums
}

// exceeds says whether the mean of b is above that of a by more than margin, by
// the one-sided t test of Welch at this level.
func exceeds(a, b []float64, margin, level float64) bool {
	meanA, errorA := meanError(a)
	meanB, errorB := meanError(b)
	excess := meanB - meanA - margin
	if excess <= 0 {
		return false
	}
	sum := errorA + errorB
	if sum == 0 {
		return true
	}
	freedom := sum * sum / (errorA*errorA/float64(len(a)-1) + errorB*errorB/float64(len(b)-1))
	return tSurvival(excess/math.Sqrt(sum), freedom) < level
}

// tSurvival returns the chance that Student's t, with these degrees of freedom,
// is above t, which is not negative. By the incomplete beta function alone:
// gonum's distuv has the distribution too, and brings 2 MB of linear algebra
// into the program.
func tSurvival(t, freedom float64) float64 {
	return mathext.RegIncBeta(freedom/2, 0.5, freedom/(freedom+t*t)) / 2
}

// meanError returns the mean and the square of its standard error.
func meanError(samples []float64) (mean, squared float64) {
	n := float64(len(samples))
	for _, v := range samples {
		mean += v / n
	}
	for _, v := range samples {
		squared += (v - mean) * (v - mean) / (n - 1) / n
	}
	return mean, squared
}

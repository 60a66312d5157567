package bench

import (
	"math"
	"slices"
	"sort"
)

// enoughRounds is the fewest rounds on each side for a difference between two
// subjects or two runs: with fewer, all samples of one of two equal subjects are
// above the other by chance too often (with four each, in 2 of 70 cases).
const enoughRounds = 4

// A Summary is a metric over its rounds.
type Summary struct {
	Rounds int
	Median float64

	// The median of a second run of as many rounds is between Low and High with
	// a chance of at least Chance, if the runs differ by chance alone. They
	// are samples: no distribution is assumed. With fewer than nine rounds they
	// are the range of all samples, and Chance is below 95 %.
	Low, High float64
	Chance    float64
}

// wantedChance is the Chance of a Summary if there are enough rounds.
const wantedChance = 0.95

// Summary returns the median and the spread of the samples of m, which must have
// at least one.
func (m Metric) Summary() Summary {
	sorted := slices.Sorted(slices.Values(m.Samples))
	n := len(sorted)
	cut := spreadCut(n)
	return Summary{
		Rounds: n,
		Median: medianOf(sorted),
		Low:    sorted[cut],
		High:   sorted[n-1-cut],
		Chance: spreadChance(n, cut),
	}
}

// Relative returns how far the spread reaches from the median, as a part of the
// median. It is false for a single round and for a median of zero.
func (s Summary) Relative() (float64, bool) {
	if s.Rounds < 2 || s.Median == 0 {
		return 0, false
	}
	return max(s.High-s.Median, s.Median-s.Low) / math.Abs(s.Median), true
}

// whole says whether there are too few rounds for wantedChance, so that the spread
// is the range of all samples.
func (s Summary) whole() bool { return s.Chance < wantedChance }

// apart says whether two summaries differ beyond the noise.
func (s Summary) apart(t Summary) bool {
	return s.Rounds >= enoughRounds && t.Rounds >= enoughRounds && (s.High < t.Low || t.High < s.Low)
}

func medianOf(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	// Half of the sum could overflow.
	return sorted[n/2-1]/2 + sorted[n/2]/2
}

// spreadCut returns how many of n samples to leave out at either end: as many as
// wantedChance allows.
func spreadCut(n int) int {
	tooMany := sort.Search(n/2, func(cut int) bool { return spreadChance(n, cut) < wantedChance })
	return max(0, tooMany-1)
}

// spreadChance returns the least chance that the median of n further samples
// falls between the sample with cut others below it and the one with cut
// others above it.
//
// All orders of the 2n samples are equally likely. The median is above the upper
// bound if at most n/2 of the new samples are below it. For an even n the median
// is the mean of two samples; the upper one counts here.
func spreadChance(n, cut int) float64 {
	above := 0.0
	for below := range n/2 + 1 {
		// Below the bound are below new and n-1-cut old samples.
		ways := logBinomial(n-1-cut+below, below) + logBinomial(cut+n-below, cut)
		above += math.Exp(ways - logBinomial(2*n, n))
	}
	return max(0, 1-2*above)
}

// logBinomial returns the natural logarithm of the binomial coefficient n over
// k.
func logBinomial(n, k int) float64 {
	return logFactorial(n) - logFactorial(k) - logFactorial(n-k)
}

func logFactorial(n int) float64 {
	log, _ := math.Lgamma(float64(n + 1))
	return log
}

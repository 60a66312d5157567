package bench

import (
	"fmt"
	"math"
	"strings"
)

// claimError is the level of the intervals behind the answer of a report. An answer
// has about ten of them: at a level of 0.05 each, two in five answers would claim
// a difference that does not exist.
const claimError = 0.01

// alike is the factor within which two figures count as the same.
const alike = 1.1

// A Claim is the ratio of a metric of two cells, and what their rounds prove.
type Claim struct {
	Ratio   // with a confidence interval of 99 %
	Finding Finding
}

// A Finding is what the rounds of two cells prove about a ratio.
type Finding int

// The findings.
const (
	Undecided Finding = iota // nothing: the interval holds 1, and is wide
	Less                     // the interval is below 1
	More                     // the interval is above 1
	Alike                    // the interval holds 1, and reaches no farther than 10 %
)

// ClaimOf compares a metric of cell a with that of cell b. It is false if one of
// them lacks the metric, has a sample that is not above zero, or too few rounds,
// which are fewer than five on both sides.
func ClaimOf(a, b *Cell, unit string) (Claim, bool) {
	of, to := a.metric(unit), b.metric(unit)
	if of == nil || to == nil {
		return Claim{}, false
	}
	n := len(of.Samples)
	if orders := logBinomial(n+len(to.Samples), n); math.Exp(-orders) > claimError/2 {
		return Claim{}, false // even the range of all ratios has less than 99 %
	}
	ratio := ratioOf(of.Samples, to.Samples, claimError)
	if ratio == nil {
		return Claim{}, false
	}
	c := Claim{Ratio: *ratio}
	switch {
	case c.High < 1:
		c.Finding = Less
	case c.Low > 1:
		c.Finding = More
	case c.Low > 1/alike && c.High < alike:
		c.Finding = Alike
	}
	return c, true
}

// Interval returns the ends of the interval for people.
func (c Claim) Interval() string { return fmt.Sprintf("%.2f to %.2f", c.Low, c.High) }

// String returns the ratio and its interval for people.
func (c Claim) String() string { return fmt.Sprintf("%.2f (%s)", c.Value, c.Interval()) }

// Median returns the median of a metric, or false if the cell lacks it.
func (c *Cell) Median(unit string) (float64, bool) {
	m := c.metric(unit)
	if m == nil {
		return 0, false
	}
	return m.Summary().Median, true
}

// Param returns the value of a parameter, or "".
func (c *Cell) Param(name string) string {
	for _, p := range c.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// NoiseNote returns a sentence for the answer of r that says in how many cells
// the spread of processor time or rate is wider than precision, a part of the
// median, and what to do about it; or "" if it is in none.
func NoiseNote(r *Report, precision float64, advice string) string {
	noisy, worst, where := 0, 0.0, ""
	for i := range r.Cells {
		c := &r.Cells[i]
		widest := 0.0
		for _, m := range c.precise() {
			if rel, ok := m.Summary().Relative(); ok {
				widest = max(widest, rel)
			}
		}
		if widest > precision {
			noisy++
		}
		if widest > worst {
			worst, where = widest, c.name()
		}
	}
	if noisy == 0 {
		return ""
	}
	return fmt.Sprintf("The machine was too noisy for these rounds: ± of CPU time or rate is above %s in %d of %d cells, at worst %s in %s. Measure again on a quiet machine, or %s.",
		spaced(precision), noisy, len(r.Cells), spaced(worst), where, advice)
}

// spaced returns a percentage as prose has it.
func spaced(part float64) string {
	return strings.TrimSuffix(percent(part), "%") + " %"
}

// RoundsFor returns how many rounds c needs in all until the spread of its
// processor time and its rate is at most precision, a part of the median. It
// judges by the rounds that c has: the spread shrinks with the root of their
// number.
func (c *Cell) RoundsFor(precision float64) int {
	needed := 0
	for _, m := range c.precise() {
		n := len(m.Samples)
		if rel, ok := m.Summary().Relative(); ok && rel > precision {
			n = int(min(math.Ceil(float64(n)*(rel/precision)*(rel/precision)), math.MaxInt32))
		}
		needed = max(needed, n)
	}
	return needed
}

// precise returns the metrics that NoiseNote and RoundsFor look at.
func (c *Cell) precise() []Metric {
	var metrics []Metric
	for _, m := range c.Metrics {
		if (isCPU(m.Unit) || isRate(m.Unit)) && len(m.Samples) > 0 {
			metrics = append(metrics, m)
		}
	}
	return metrics
}

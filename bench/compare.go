package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A run has some hundred figures, so an error that is rare for one of them happens
// in most runs; and two runs differ as a whole, because the machine is never quite
// the same. So a figure is worse (or better) only if two tests agree:
//
//   - The 95 % interval of its ratio excludes 1. It is the interval of Hodges
//     and Lehmann: of the ratios of each new round to each old one, the exact
//     distribution of Mann and Whitney's U says how many extremes to leave out.
//     It assumes no distribution.
//   - It is worse by more than tolerance, by Welch's t test on the logarithms
//     of the samples. The level is familyError divided by the number of
//     figures that can fail the comparison (Bonferroni). With six rounds on
//     each side, ranks alone cannot reach such a level.
//
// The second test needs enoughRounds on both sides. In simulated reports of 60
// cells without a difference fewer than 1 run in 100 has a false alarm, with a
// noise of 1 to 20 %; a cell that is 30 % worse is found in 96 of 100 runs, with
// a noise of 5 % (compare_test.go).
const (
	ratioError  = 0.05 // of the interval
	familyError = 0.05 // of the whole comparison, in each direction
	tolerance   = 0.05 // by which two runs of the same program may differ
)

// A Verdict is the result of the comparison of one figure.
type Verdict string

// The verdicts.
const (
	Better  Verdict = "better"
	Worse   Verdict = "worse"
	Same    Verdict = "~" // no difference beyond the noise
	Unknown Verdict = "?" // too few rounds, or figures without a ratio
)

// A Comparison is the differences between a report and an older one.
type Comparison struct {
	Changes  []Change // in the order of the new report
	OnlyOld  []string // cells that the new report does not have
	OnlyNew  []string // cells that the old report does not have
	Warnings []string // why the runs may differ for another reason
}

// A Change is one metric of one cell in both reports.
type Change struct {
	Cell     string // subject and parameters
	Unit     string
	Better   Direction
	Old, New Summary
	Ratio    *Ratio // of new to old; nil if a sample is not above zero
	Verdict  Verdict
	// Gates says whether Worse is a regression. It is false for the tails of
	// latencies, which differ between any two runs, and for limits.
	Gates bool
}

// A Ratio is the quotient of two medians, with its 95 % confidence interval.
type Ratio struct{ Value, Low, High float64 }

// Regressions returns the changes that should stop a release.
func (c *Comparison) Regressions() []Change {
	return slices.DeleteFunc(slices.Clone(c.Changes), func(ch Change) bool {
		return !ch.Gates || ch.Verdict != Worse
	})
}

// Compare compares the metrics that both reports have. Both must have passed
// Check.
func Compare(old, new *Report) *Comparison {
	c := &Comparison{Warnings: differences(old, new)}
	olds := map[string]*Cell{}
	for i := range old.Cells {
		olds[old.Cells[i].key()] = &old.Cells[i]
	}
	type pair struct{ old, new *Metric }
	var pairs []pair
	matched := map[string]bool{}
	family := 0
	for i := range new.Cells {
		now := &new.Cells[i]
		before := olds[now.key()]
		if before == nil {
			c.OnlyNew = append(c.OnlyNew, now.name())
			continue
		}
		matched[now.key()] = true
		for k := range now.Metrics {
			m := &now.Metrics[k]
			o := before.metric(m.Unit)
			if o == nil || len(m.Samples) == 0 || o.Better != m.Better {
				continue
			}
			pairs = append(pairs, pair{o, m})
			ch := Change{Cell: now.name(), Unit: m.Unit, Better: m.Better, Old: o.Summary(), New: m.Summary(), Gates: gates(m.Unit) && !now.Limit}
			if ch.Gates {
				family++
			}
			c.Changes = append(c.Changes, ch)
		}
	}
	for i := range old.Cells {
		if o := &old.Cells[i]; !matched[o.key()] {
			c.OnlyOld = append(c.OnlyOld, o.name())
		}
	}
	for i, p := range pairs {
		c.Changes[i].judge(p.old.Samples, p.new.Samples, familyError/float64(max(family, 1)))
	}
	c.Warnings = append(c.Warnings, drifts(c.Changes)...)
	return c
}

// drifts returns a warning for each metric that has moved in all cells together,
// for example because the machine was busier. A real change of all cells looks
// the same, so the verdicts stay.
func drifts(changes []Change) []string {
	const fewest = 8 // cells, for a warning about all of them
	ratios := map[string][]float64{}
	var units []string
	for _, ch := range changes {
		if ch.Ratio != nil {
			if ratios[ch.Unit] == nil {
				units = append(units, ch.Unit)
			}
			ratios[ch.Unit] = append(ratios[ch.Unit], ch.Ratio.Value)
		}
	}
	var found []string
	for _, unit := range units {
		all := ratios[unit]
		slices.Sort(all)
		middle := medianOf(all)
		if len(all) >= fewest && math.Abs(math.Log(middle)) > math.Log1p(tolerance) {
			found = append(found, fmt.Sprintf("%s is %.2f times what it was in the median cell: if your change does not explain that, the machine does; measure both again, in turn", unit, middle))
		}
	}
	return found
}

// gates says whether a metric can be a regression: all can but the percentiles of
// latency above the median, and its maximum.
func gates(unit string) bool {
	name, _, _ := strings.Cut(unit, "-")
	return name != "max" && (name == "p50" || !isPercentile(name))
}

// judge sets the ratio and the verdict, which is wrong with a chance of level at
// most.
func (ch *Change) judge(old, new []float64, level float64) {
	ch.Verdict = Unknown
	if ch.Ratio = ratioOf(new, old, ratioError); ch.Ratio == nil {
		return
	}
	a, _ := logs(old)
	b, _ := logs(new)
	if min(len(a), len(b)) < enoughRounds {
		return
	}
	ch.Verdict = Same
	rise := exceeds(a, b, math.Log1p(tolerance), level)
	fall := exceeds(b, a, math.Log1p(tolerance), level)
	switch {
	case rise && ch.Ratio.Low > 1:
		ch.Verdict = verdictOf(ch.Better == Higher)
	case fall && ch.Ratio.High < 1:
		ch.Verdict = verdictOf(ch.Better == Lower)
	}
}

func verdictOf(improved bool) Verdict {
	if improved {
		return Better
	}
	return Worse
}

// differences returns in what the runs differ apart from the figures.
func differences(old, new *Report) []string {
	var found []string
	compare := func(what, before, after string) {
		if before != after {
			found = append(found, fmt.Sprintf("%s was %s, is %s", what, orNone(before), orNone(after)))
		}
	}
	compare("title", old.Title, new.Title)
	each := func(prefix string, before, after []Pair) {
		values := map[string]string{}
		for _, p := range before {
			values[p.Name] = p.Value
		}
		for _, p := range after {
			compare(prefix+p.Name, values[p.Name], p.Value)
			delete(values, p.Name)
		}
		for _, p := range before {
			if value, left := values[p.Name]; left {
				compare(prefix+p.Name, value, "")
			}
		}
	}
	was, is := old.Host, new.Host
	was.Load, is.Load = nil, nil // differs always
	each("", was.pairs(), is.pairs())
	each("setting ", old.Settings, new.Settings)
	return found
}

func orNone(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// The rule. A run has some hundred figures, so that what is rare for one of
// them happens in most runs; and two runs differ as wholes, because the
// machine is never quite the same. A figure is therefore called worse (or
// better) only if two tests agree:
//
//   - The 95 % interval of its ratio excludes 1. The interval is that of
//     Hodges and Lehmann: from the ratios of each new round to each old one,
//     as many are left out at either end as the exact distribution of Mann and
//     Whitney's U allows. It assumes no distribution.
//   - It is worse by more than tolerance, by Welch's t test on the logarithms
//     of the samples. The level is familyError divided by the number of
//     figures that can fail the comparison (Bonferroni). With six rounds a
//     side, ranks alone cannot reach such a level.
//
// The second test needs both runs to have enoughRounds. Simulated runs in
// compare_test.go show what comes of it.
const (
	ratioError  = 0.05 // of the interval
	familyError = 0.05 // of the whole comparison, in each direction
	tolerance   = 0.05 // what two runs of the same thing may differ by
)

// A Verdict is what a comparison says of one figure.
type Verdict string

// The verdicts.
const (
	Better  Verdict = "better"
	Worse   Verdict = "worse"
	Same    Verdict = "~" // no difference beyond the noise
	Unknown Verdict = "?" // too few rounds, or figures that have no ratio
)

// A Comparison is how a report differs from an older one.
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
	// Gates says that Worse is a regression. The tails of latencies do not
	// gate: they differ between any two runs.
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
			ch := Change{Cell: now.name(), Unit: m.Unit, Better: m.Better, Old: o.Summary(), New: m.Summary(), Gates: gates(m.Unit)}
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

// drifts says which metrics moved in all cells together, as when the machine
// was busier than before. A real change of everything looks the same, so that
// it excuses nothing.
func drifts(changes []Change) []string {
	const fewest = 8 // cells, to speak of all
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
			found = append(found, fmt.Sprintf("%s is %.2f times what it was in the median cell: if that is not what you changed, it is the machine; measure both again, in turn", unit, middle))
		}
	}
	return found
}

// gates says whether a metric is a main one: all are but the percentiles of
// latency above the median, and its maximum.
func gates(unit string) bool {
	name, _, _ := strings.Cut(unit, "-")
	return name != "max" && (name == "p50" || !isPercentile(name))
}

// judge fills in ratio and verdict. The level is the chance of error that the
// verdict may have.
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

// differences says in what the runs differ besides the figures.
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
		return "not told"
	}
	return s
}

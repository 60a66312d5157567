package servers

import (
	"fmt"
	"slices"
	"strings"

	"sluice/bench"
)

// ours is the subject that the answer is about.
const ours = "sluice"

// costs are the metrics by which the answer names the cheapest servers. A
// workload has one of them.
var costs = []struct{ unit, cheapest string }{
	{"cpu-s/GB", "Least CPU time per GB"},
	{"cpu-s/100k", "Least CPU time per request"},
	{"B/conn", "Least memory per idle connection"},
	{"KiB/conn", "Least memory per idle connection"},
}

// rates are the metrics by which servers are slower or faster.
var rates = []string{"MB/s", "req/s"}

// answer returns sentences about the cells of r: which servers are the cheapest,
// and where ours costs more than the cheapest or is slower than the fastest. It
// claims a difference only if the rounds support it.
func answer(r *bench.Report) []string {
	var sentences, expensive, slow []string
	compared, rated := false, false // ours, by costs and by rates
	for _, cost := range costs {
		var winners []string
		for _, w := range workloadsOf(r) {
			best, ties := leaders(w.cells, cost.unit, less)
			if best == nil {
				continue
			}
			winners = append(winners, fmt.Sprintf("%s in %s", named(best, ties), w.name))
			us := w.cellOf(ours)
			if us == nil {
				continue
			}
			compared = true
			if c, ok := bench.ClaimOf(us, best, cost.unit); ok && c.Finding == bench.More {
				expensive = append(expensive, fmt.Sprintf("in %s %.2f times as much as %s (%s)", w.name, c.Value, best.Subject, c.Interval()))
			}
		}
		if len(winners) > 0 {
			sentences = append(sentences, cost.cheapest+": "+strings.Join(winners, ", ")+".")
		}
	}
	for _, w := range workloadsOf(r) {
		us := w.cellOf(ours)
		for _, unit := range rates {
			best, _ := leaders(w.cells, unit, more)
			if best == nil || us == nil {
				continue
			}
			rated = true
			if c, ok := bench.ClaimOf(us, best, unit); ok && c.Finding == bench.Less {
				slow = append(slow, fmt.Sprintf("in %s %.2f of the %s of %s (%s)", w.name, c.Value, unit, best.Subject, c.Interval()))
			}
		}
	}
	switch {
	case len(expensive) > 0:
		sentences = append(sentences, "Sluice costs more than the cheapest: "+strings.Join(expensive, ", ")+".")
	case compared:
		sentences = append(sentences, "Sluice nowhere costs more than the cheapest, beyond the noise.")
	}
	switch {
	case len(slow) > 0:
		sentences = append(sentences, "Sluice is slower than the fastest: "+strings.Join(slow, ", ")+".")
	case rated:
		sentences = append(sentences, "Sluice is nowhere slower than the fastest, beyond the noise.")
	}
	if len(sentences) == 0 {
		return []string{"This run cannot compare servers: that takes two servers or more, and five rounds of each workload or more."}
	}
	return sentences
}

// A result is the cells of a workload.
type result struct {
	name  string
	cells []*bench.Cell
}

func (w *result) cellOf(subject string) *bench.Cell {
	i := slices.IndexFunc(w.cells, func(c *bench.Cell) bool { return c.Subject == subject })
	if i < 0 {
		return nil
	}
	return w.cells[i]
}

// workloadsOf returns the cells of r by workload, without limits.
func workloadsOf(r *bench.Report) []*result {
	var all []*result
	for i := range r.Cells {
		c := &r.Cells[i]
		if c.Limit {
			continue
		}
		name := c.Param("protocol") + " " + c.Param("workload")
		k := slices.IndexFunc(all, func(w *result) bool { return w.name == name })
		if k < 0 {
			k = len(all)
			all = append(all, &result{name: name})
		}
		all[k].cells = append(all[k].cells, c)
	}
	return all
}

func less(a, b float64) bool { return a < b }
func more(a, b float64) bool { return a > b }

// leaders returns the cell with the best median of a metric, and those that are
// not worse beyond the noise. It returns nil if the cells cannot be compared.
func leaders(cells []*bench.Cell, unit string, better func(a, b float64) bool) (best *bench.Cell, ties []*bench.Cell) {
	top := 0.0
	for _, c := range cells {
		if median, ok := c.Median(unit); ok && (best == nil || better(median, top)) {
			best, top = c, median
		}
	}
	if best == nil {
		return nil, nil
	}
	compared := false
	for _, c := range cells {
		if c == best {
			continue
		}
		claim, ok := bench.ClaimOf(c, best, unit)
		compared = compared || ok
		if ok && (claim.Finding == bench.Alike || claim.Finding == bench.Undecided) {
			ties = append(ties, c)
		}
	}
	if !compared {
		return nil, nil
	}
	return best, ties
}

// named names the best cell, and those that are as good.
func named(best *bench.Cell, ties []*bench.Cell) string {
	names := []string{best.Subject}
	for _, c := range ties {
		names = append(names, c.Subject)
	}
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names, " or ") + " (no difference beyond the noise)"
}

package servers

import (
	"fmt"
	"slices"
	"strings"

	"sluice/bench"
)

// ours is the subject that the answer is about.
const ours = "sluice"

// costs are the metrics by which cheapest names servers. A workload has one of them.
var costs = []struct{ unit, cheapest string }{
	{"cpu-s/GB", "Least CPU time per GB"},
	{"cpu-s/100k", "Least CPU time per request"},
	{"B/conn", "Least memory per idle connection"},
	{"KiB/conn", "Least memory per idle connection"},
}

// measures are what the answer compares ours by, in its order. Less and more are
// what a ratio below and above 1 means.
var measures = []struct {
	name       string
	units      []string
	better     func(a, b float64) bool
	less, more string
}{
	{"CPU time", []string{"cpu-s/GB", "cpu-s/100k"}, less, "cheaper", "more expensive"},
	{"Rate", []string{"MB/s", "req/s"}, more, "slower", "faster"},
	{"99th percentile of latency", []string{"p99-us"}, less, "shorter", "longer"},
	{"Memory of an idle connection", []string{"B/conn", "KiB/conn"}, less, "smaller", "larger"},
}

// answer returns sentences about the cells of r: where ours is better than the best
// other server, equal, and worse, by each of measures. A report without ours has
// the best servers instead. It claims a difference only if the rounds support it.
func answer(r *bench.Report) []string {
	workloads := workloadsOf(r)
	var sentences []string
	for _, m := range measures {
		found := map[bench.Finding][]string{}
		for _, w := range workloads {
			us := w.cellOf(ours)
			for _, unit := range m.units {
				best := w.bestOther(unit, m.better)
				if us == nil || best == nil {
					continue
				}
				if c, ok := bench.ClaimOf(us, best, unit); ok {
					found[c.Finding] = append(found[c.Finding], fmt.Sprintf("%s (%.2f of %s, %s)", w.name, c.Value, best.Subject, c.Interval()))
				}
			}
		}
		var parts []string
		words := []struct {
			finding bench.Finding
			word    string
		}{{bench.Less, m.less}, {bench.Alike, "equal"}, {bench.More, m.more}, {bench.Undecided, "undecided by these rounds"}}
		if m.better(2, 1) { // the good news comes first
			words[0], words[2] = words[2], words[0]
		}
		for _, f := range words {
			if in := found[f.finding]; len(in) > 0 {
				parts = append(parts, f.word+" in "+strings.Join(in, ", "))
			}
		}
		if len(parts) > 0 {
			sentences = append(sentences, fmt.Sprintf("%s of Sluice, by ratio to the best other server: %s.", m.name, strings.Join(parts, "; ")))
		}
	}
	if len(sentences) == 0 {
		sentences = cheapest(workloads)
	}
	if len(sentences) == 0 {
		return []string{"This run cannot compare servers: that takes two servers or more, and five rounds of each workload or more."}
	}
	return sentences
}

// cheapest returns a sentence with the cheapest servers for each of costs.
func cheapest(workloads []*result) []string {
	var sentences []string
	for _, cost := range costs {
		var winners []string
		for _, w := range workloads {
			if best, ties := leaders(w.cells, cost.unit, less); best != nil {
				winners = append(winners, fmt.Sprintf("%s in %s", named(best, ties), w.name))
			}
		}
		if len(winners) > 0 {
			sentences = append(sentences, cost.cheapest+": "+strings.Join(winners, ", ")+".")
		}
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

// bestOther returns the cell with the best median of a metric, of others than ours in any configuration.
func (w *result) bestOther(unit string, better func(a, b float64) bool) (best *bench.Cell) {
	top := 0.0
	for _, c := range w.cells {
		if median, ok := c.Median(unit); ok && !isOurs(c.Subject) && (best == nil || better(median, top)) {
			best, top = c, median
		}
	}
	return best
}

// isOurs reports whether a subject is ours, perhaps in another configuration: "sluice-cache".
func isOurs(subject string) bool { return subject == ours || strings.HasPrefix(subject, ours+"-") }

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

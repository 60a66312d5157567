package servers

import (
	"cmp"
	"fmt"
	"math"
	"strconv"

	"sluice/bench"
)

// setRates sets the rates of the workloads that have one, by what the others have
// reached so far, and lets them begin.
func (m *comparison) setRates() {
	for i, w := range m.Workloads {
		if w.Load == 0 || len(m.cells[i]) == 0 {
			continue
		}
		var best *cell
		highest := 0.0
		for k, v := range m.Workloads {
			if w.isOf(v) {
				best, highest = fastest(m.cells[k])
			}
		}
		rate := rounded(w.Load * highest)
		if rate == 0 {
			m.notes = append(m.notes, fmt.Sprintf("%s %s left out: no server has a rate in %s", w.Scheme, w.Name, w.Of))
			continue
		}
		text := strconv.FormatFloat(rate, 'f', -1, 64)
		for _, c := range m.cells[i] {
			c.rate, c.wanted = rate, cmp.Or(m.Rounds, pilotRounds)
			// A baseline at another rate is of another load.
			c.params = append(c.params, bench.Pair{Name: "rate", Value: text})
		}
		m.rates = append(m.rates, bench.Pair{
			Name:  w.Scheme + " " + w.Name,
			Value: fmt.Sprintf("%s req/s, %g %% of the best (%s)", text, 100*w.Load, best.subject),
		})
	}
}

// fastest returns the cell with the highest median rate of requests: of other
// servers than ours, unless ours is alone.
func fastest(cells []*cell) (best *cell, rate float64) {
	for _, c := range cells {
		measured := bench.Cell{Metrics: c.metrics}
		median, ok := measured.Median("req/s")
		if !ok || c.out || c.limit {
			continue
		}
		if best == nil || best.subject == ours || c.subject != ours && median > rate {
			best, rate = c, median
		}
	}
	return best, rate
}

// rounded rounds a rate down to two digits, so that the rates of two runs are
// often the same.
func rounded(rate float64) float64 {
	if rate < 1 {
		return 0
	}
	unit := math.Pow(10, max(math.Floor(math.Log10(rate))-1, 0))
	return math.Floor(rate/unit) * unit
}

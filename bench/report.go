package bench

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Format is the version of a Report's JSON. It changes if a field changes its
// meaning or is removed, not if one is added.
const Format = 1

// MethodsTitle is the title of the reports of bench/methods.
const MethodsTitle = "What zero-copy buys on this machine"

// A Report is the figures of a run, with its conditions, which are needed to judge
// or repeat it.
type Report struct {
	Format   int       `json:"format"` // WriteJSON sets it
	Title    string    `json:"title"`
	Command  string    `json:"command"`        // command line
	Kind     string    `json:"kind,omitempty"` // of the subjects, for example "method", "server"
	Begin    time.Time `json:"begin"`
	Elapsed  float64   `json:"elapsed_s"`
	Host     Host      `json:"host"`
	Settings []Pair    `json:"settings,omitempty"` // of the run, in the order to show
	Versions []Pair    `json:"versions,omitempty"` // of each subject
	Answer   []string  `json:"answer,omitempty"`   // what the figures say, in sentences, for people
	Cells    []Cell    `json:"cells"`
	Notes    []string  `json:"notes,omitempty"` // for example what was left out, and why
}

// A Pair is a name and its value, for people.
type Pair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A Cell is one subject (a method, a server) under one set of parameters.
type Cell struct {
	Subject string   `json:"subject"`
	Limit   bool     `json:"limit,omitempty"`  // no subject, but the least that one can cost: claims leave it out
	Params  []Pair   `json:"params,omitempty"` // for example size 1MiB, clients 16, cache hot
	Metrics []Metric `json:"metrics"`
	Latency *Latency `json:"latency,omitempty"` // of all rounds together
}

// A Metric is one figure of a cell, once for each round. An unknown metric is
// missing, or has no samples.
type Metric struct {
	// Unit names the metric, as in Go benchmarks: "MB/s", "cpu-s/GB",
	// "p99-us". It is unique in its cell, and has no white space.
	Unit    string    `json:"unit"`
	Better  Direction `json:"better"`
	Samples []float64 `json:"samples"` // finite, within ±1e15
}

// Direction says which way a metric improves.
type Direction string

// The directions.
const (
	Higher Direction = "higher"
	Lower  Direction = "lower"
)

// A Latency is the distribution of the latencies of requests.
type Latency struct {
	Count int64 `json:"count"`
	// Percentiles has rising percentages; the last is 100.
	Percentiles []Percentile `json:"percentiles"`
}

// A Percentile is the time within which this percentage of requests was done.
type Percentile struct {
	Percent float64 `json:"percent"`
	Micros  float64 `json:"us"`
}

// largest is more than any figure of a real measurement. Arithmetic and charts can
// handle it.
const largest = 1e15

// Check returns an error if r is not valid. All writers and readers of reports
// call it.
func (r *Report) Check() error {
	seen := map[string]bool{}
	for _, c := range r.Cells {
		key := c.key()
		if seen[key] {
			return fmt.Errorf("cell %q is there twice: give the second one another subject or parameter", c.name())
		}
		seen[key] = true
		if err := c.check(); err != nil {
			return fmt.Errorf("cell %q: %w", c.name(), err)
		}
	}
	return nil
}

func (c *Cell) check() error {
	units := map[string]bool{}
	for _, m := range c.Metrics {
		switch {
		case m.Unit == "" || strings.ContainsFunc(m.Unit, notGraphic):
			return fmt.Errorf("metric %q: a unit is a word without spaces", m.Unit)
		case units[m.Unit]:
			return fmt.Errorf("metric %s is there twice", m.Unit)
		case m.Better != Higher && m.Better != Lower:
			return fmt.Errorf("metric %s: better is %q, want %q or %q", m.Unit, m.Better, Higher, Lower)
		}
		units[m.Unit] = true
		for i, v := range m.Samples {
			if !(math.Abs(v) <= largest) {
				return fmt.Errorf("metric %s: round %d is %v, which is not a measurement: leave it out", m.Unit, i+1, v)
			}
		}
	}
	if c.Latency == nil {
		return nil
	}
	last := Percentile{Percent: -1}
	for _, p := range c.Latency.Percentiles {
		if !(p.Percent > last.Percent && p.Percent <= 100 && p.Micros >= last.Micros && p.Micros <= largest) {
			return fmt.Errorf("latency: percentile %v is %v us, after percentile %v with %v us: both must rise, from zero on", p.Percent, p.Micros, last.Percent, last.Micros)
		}
		last = p
	}
	return nil
}

// key is equal for cells with the same subject and parameters, in any order.
func (c *Cell) key() string {
	params := slices.SortedFunc(slices.Values(c.Params), func(a, b Pair) int { return cmp.Compare(a.Name, b.Name) })
	return fmt.Sprintf("%q %q", c.Subject, params)
}

// name returns the name of the cell for people.
func (c *Cell) name() string {
	return strings.TrimSpace(c.Subject + " " + paramString(c.Params))
}

// label returns the subject for people.
func (c *Cell) label() string {
	if c.Limit {
		return c.Subject + " (limit)"
	}
	return c.Subject
}

// metric returns the metric of that unit if it has samples, or nil.
func (c *Cell) metric(unit string) *Metric {
	for i, m := range c.Metrics {
		if m.Unit == unit && len(m.Samples) > 0 {
			return &c.Metrics[i]
		}
	}
	return nil
}

// paramString returns params as name=value, separated by spaces.
func paramString(params []Pair) string {
	var words []string
	for _, p := range params {
		words = append(words, p.Name+"="+p.Value)
	}
	return strings.Join(words, " ")
}

// kind returns the kind of the subjects, for people.
func (r *Report) kind() string { return cmp.Or(r.Kind, "subject") }

// A group is the cells with the same parameters, which are compared.
type group struct {
	name  string
	cells []*Cell
}

// groups returns the cells by their parameters, in the order in which these
// first appear.
func (r *Report) groups() []*group {
	var groups []*group
	byName := map[string]*group{}
	for i := range r.Cells {
		c := &r.Cells[i]
		name := paramString(c.Params)
		g := byName[name]
		if g == nil {
			g = &group{name: name}
			byName[name] = g
			groups = append(groups, g)
		}
		g.cells = append(g.cells, c)
	}
	return groups
}

// subjects returns the subjects in the order in which they first appear.
func (r *Report) subjects() []string {
	var names []string
	for _, c := range r.Cells {
		if !slices.Contains(names, c.Subject) {
			names = append(names, c.Subject)
		}
	}
	return names
}

// metrics returns a metric without samples for each unit that has samples: those
// of processor time first, then rates, then the others, each in the order in which
// the units first appear.
func (r *Report) metrics() []Metric {
	var metrics []Metric
	for _, c := range r.Cells {
		for _, m := range c.Metrics {
			known := slices.ContainsFunc(metrics, func(k Metric) bool { return k.Unit == m.Unit })
			if len(m.Samples) > 0 && !known {
				metrics = append(metrics, Metric{Unit: m.Unit, Better: m.Better})
			}
		}
	}
	slices.SortStableFunc(metrics, func(a, b Metric) int { return cmp.Compare(rank(a.Unit), rank(b.Unit)) })
	return metrics
}

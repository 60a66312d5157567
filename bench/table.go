package bench

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// WriteTable writes r for a terminal of width columns: the answer, the conditions,
// and a table for each set of parameters, with a row for each subject. Metrics
// that do not fit on a line follow in another table; only names longer than half
// a line are cut. A width under 40 counts as 40.
func WriteTable(w io.Writer, r *Report, width int) error {
	if err := r.Check(); err != nil {
		return err
	}
	width = max(width, 40)
	out := bufio.NewWriter(w)
	writeHead(out, r, width)
	t := newTable(r, width)
	for _, s := range t.sections {
		for _, columns := range t.split(s, width) {
			_, _ = out.WriteString("\n")
			t.write(out, s, columns)
		}
	}
	if len(r.Cells) > 0 {
		_, _ = fmt.Fprintf(out, "\n%s", wrap(t.legend(), width, ""))
	}
	writeNotes(out, r.Notes, width)
	return out.Flush()
}

// writeHead writes the title, the answer and the conditions.
func writeHead(out *bufio.Writer, r *Report, width int) {
	line := func(name, value string) {
		if value != "" {
			_, _ = out.WriteString(wrap(name+": "+plain(value), width, "  "))
		}
	}
	if r.Title != "" {
		_, _ = out.WriteString(wrap(plain(r.Title), width, ""))
	}
	for _, sentence := range r.Answer {
		_, _ = out.WriteString(wrap("- "+plain(sentence), width, "  "))
	}
	line("command", r.Command)
	line("host", r.Host.String())
	line("settings", listed(r.Settings))
	line("versions", listed(r.Versions))
	if len(r.Cells) == 0 {
		_, _ = out.WriteString("nothing was measured\n")
	}
}

func writeNotes(out *bufio.Writer, notes []string, width int) {
	for i, note := range notes {
		if i == 0 {
			_, _ = out.WriteString("\n")
		}
		_, _ = out.WriteString(wrap("note: "+plain(note), width, "  "))
	}
}

// listed returns pairs as "name value, name value".
func listed(pairs []Pair) string {
	var parts []string
	for _, p := range pairs {
		parts = append(parts, p.Name+" "+p.Value)
	}
	return strings.Join(parts, ", ")
}

// A table is a report as text. All its sections have the same columns.
type table struct {
	head     string // of the first column
	label    int    // width of the first column
	columns  []column
	sections []section
	compared bool // some group has several subjects
	limited  bool // some row is a limit
	ranges   bool // some spread is the range of all rounds
	predicts bool // some spread is not
}

type column struct {
	metric Metric // without samples
	places int    // digits after the point

	// Widths of the figure and of its spread, with the space before it.
	figure, spread int
}

type section struct {
	name string
	rows []row
}

type row struct {
	label   string
	entries []entry // one a column
}

type entry struct{ figure, spread, mark string }

// absent is the figure of a metric that a cell does not have.
const absent = "-"

func newTable(r *Report, width int) *table {
	t := &table{head: plain(r.kind())}
	for _, m := range r.metrics() {
		t.columns = append(t.columns, column{metric: m, places: decimals(typical(r, m.Unit))})
	}
	// With one subject there are no comparisons, and the parameters are the rows.
	if subjects := r.subjects(); len(subjects) == 1 {
		t.head = "parameters"
		s := section{name: subjects[0]}
		for _, g := range r.groups() {
			s.rows = append(s.rows, t.rowsOf(g, func(*Cell) string { return g.name })...)
		}
		t.sections = []section{s}
	} else {
		for _, g := range r.groups() {
			t.compared = t.compared || len(g.cells) > 1
			t.limited = t.limited || slices.ContainsFunc(g.cells, func(c *Cell) bool { return c.Limit })
			t.sections = append(t.sections, section{g.name, t.rowsOf(g, (*Cell).label)})
		}
	}
	t.measure(width)
	return t
}

func (t *table) rowsOf(g *group, label func(*Cell) string) []row {
	rows := make([]row, len(g.cells))
	for i, c := range g.cells {
		rows[i] = row{label: plain(label(c)), entries: make([]entry, len(t.columns))}
	}
	for k, col := range t.columns {
		best := g.best(col.metric)
		for i, c := range g.cells {
			m := c.metric(col.metric.Unit)
			if m == nil {
				rows[i].entries[k] = entry{figure: absent}
				continue
			}
			s := m.Summary()
			e := entry{figure: strconv.FormatFloat(s.Median, 'f', col.places, 64)}
			if rel, ok := s.Relative(); ok {
				e.spread = " ±" + percent(rel)
				t.ranges = t.ranges || s.whole()
				t.predicts = t.predicts || !s.whole()
			}
			if c == best {
				e.mark = "*"
			}
			rows[i].entries[k] = e
		}
	}
	return rows
}

// best returns the cell that is better than all others beyond the noise, or nil.
// Limits do not count. A cell whose spread reaches down to zero has no figure that
// could be best: nothing was measured that differs from the noise.
func (g *group) best(metric Metric) *Cell {
	var best *Cell
	var top Summary
	var others []Summary
	for _, c := range g.cells {
		m := c.metric(metric.Unit)
		if m == nil || c.Limit {
			continue
		}
		s := m.Summary()
		switch {
		case best == nil:
			best, top = c, s
		case (s.Median > top.Median) == (metric.Better == Higher):
			others = append(others, top)
			best, top = c, s
		default:
			others = append(others, s)
		}
	}
	for _, s := range others {
		if !top.apart(s) {
			return nil
		}
	}
	if len(others) == 0 || top.Low <= 0 {
		return nil
	}
	return best
}

// typical returns the median of the cells' medians of a metric, without zeros.
func typical(r *Report, unit string) float64 {
	var medians []float64
	for _, c := range r.Cells {
		if m := c.metric(unit); m != nil {
			if median := math.Abs(m.Summary().Median); median > 0 {
				medians = append(medians, median)
			}
		}
	}
	if len(medians) == 0 {
		return 0
	}
	slices.Sort(medians)
	return medianOf(medians)
}

// measure sets the widths of the columns.
func (t *table) measure(width int) {
	t.label = utf8.RuneCountInString(t.head)
	for _, s := range t.sections {
		for _, r := range s.rows {
			t.label = max(t.label, utf8.RuneCountInString(r.label))
			for k, e := range r.entries {
				c := &t.columns[k]
				c.figure = max(c.figure, utf8.RuneCountInString(e.figure))
				c.spread = max(c.spread, utf8.RuneCountInString(e.spread))
			}
		}
	}
	t.label = min(t.label, width/2)
	for k := range t.columns {
		c := &t.columns[k]
		// The head stands over the figure and its spread.
		c.figure = max(c.figure, utf8.RuneCountInString(c.metric.Unit)-c.spread)
	}
}

// split returns the indexes of the columns of each line, at least one. It leaves
// out columns without a figure in the section.
func (t *table) split(s section, width int) [][]int {
	var lines [][]int
	used := width
	for k, c := range t.columns {
		if !slices.ContainsFunc(s.rows, func(r row) bool { return r.entries[k].figure != absent }) {
			continue
		}
		need := len("  ") + c.figure + c.spread + len("*")
		if used+need > width {
			lines = append(lines, nil)
			used = t.label
		}
		lines[len(lines)-1] = append(lines[len(lines)-1], k)
		used += need
	}
	return lines
}

func (t *table) write(out *bufio.Writer, s section, columns []int) {
	if s.name != "" {
		_, _ = out.WriteString(plain(s.name) + "\n")
	}
	line := left(t.head, t.label)
	for _, k := range columns {
		c := t.columns[k]
		line += "  " + right(c.metric.Unit, c.figure+c.spread) + " "
	}
	_, _ = out.WriteString(strings.TrimRight(line, " ") + "\n")
	for _, r := range s.rows {
		line := left(cut(r.label, t.label), t.label)
		for _, k := range columns {
			c, e := t.columns[k], r.entries[k]
			line += "  " + right(e.figure, c.figure) + left(e.spread, c.spread) + left(e.mark, 1)
		}
		_, _ = out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// legend explains the marks that occur.
func (t *table) legend() string {
	text := "Figures are medians of the rounds."
	switch {
	case t.ranges && t.predicts:
		text += " ± reaches the farthest round or, from nine rounds on, holds the median of a second run with a chance of 95 %."
	case t.ranges:
		text += " ± reaches the farthest round."
	case t.predicts:
		text += " ± holds the median of a second run with a chance of 95 %."
	}
	if t.compared {
		text += " * is better than all others of its table beyond ±; without a star none is."
	}
	if t.limited {
		text += " A limit is no server: it shows what the kernel alone costs."
	}
	for _, better := range []Direction{Higher, Lower} {
		var units []string
		for _, c := range t.columns {
			if c.metric.Better == better {
				units = append(units, c.metric.Unit)
			}
		}
		if len(units) > 0 {
			text += fmt.Sprintf(" %s is better: %s.", strings.ToUpper(string(better[:1]))+string(better[1:]), strings.Join(units, ", "))
		}
	}
	return text
}

package bench

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
)

//go:embed report.html
var pageText string

var page = template.Must(template.New("report").Funcs(template.FuncMap{"plain": plain}).Parse(pageText))

// WriteHTML writes r as one file that needs nothing else: no script, no font,
// no picture from elsewhere. It is well-formed XML too. Names in r may be
// hostile: they are text wherever they appear. The page is made as a whole
// before the first byte is written.
func WriteHTML(w io.Writer, r *Report) error {
	if err := r.Check(); err != nil {
		return err
	}
	view, err := newPage(r)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := page.Execute(&b, view); err != nil {
		return err
	}
	_, err = b.WriteTo(w)
	return err
}

// pageView is what the template shows.
type pageView struct {
	Report  *Report
	Facts   []Pair
	Kind    string
	Legend  string
	Swatch  []swatch
	Charts  []chartRow // one a metric, and the latencies
	Metrics []Metric
	Tables  []pageTable
	Latency []latencyRow
}

type chartRow struct {
	Title  string
	Swatch bool // needs the key to the colours
	Charts []chart
}

// A swatch is the line of a subject, for the key.
type swatch struct{ Name, Color, Dashes string }

type pageTable struct {
	Name string
	Rows []pageRow
}

type pageRow struct {
	Subject string
	Cells   []pageCell
}

type pageCell struct {
	Median, Spread string
	Best           bool
}

// tabled is the percentiles of the table of latencies.
var tabled = []float64{50, 90, 99, 99.9, 99.99, 100}

type latencyRow struct {
	Cell  string
	Count int64
	At    []string
}

func newPage(r *Report) (*pageView, error) {
	v := &pageView{Report: r, Kind: r.kind(), Metrics: r.metrics()}
	if !r.Begin.IsZero() {
		v.Facts = append(v.Facts, Pair{"begin", r.Begin.Format(time.RFC1123Z)})
	}
	if r.Elapsed > 0 {
		v.Facts = append(v.Facts, Pair{"took", time.Duration(r.Elapsed * float64(time.Second)).Round(time.Second).String()})
	}
	v.Facts = append(v.Facts, r.Host.pairs()...)
	v.Legend = newTable(r, 80).legend()

	colors := map[string]int{}
	for i, name := range r.subjects() {
		colors[name] = i
		v.Swatch = append(v.Swatch, swatch{name, fmt.Sprintf("c%02X", 0x10+i%hues), dashText(i)})
	}
	groups := r.groups()
	if err := v.draw(groups, colors); err != nil {
		return nil, err
	}
	for _, g := range groups {
		v.Tables = append(v.Tables, g.page(v.Metrics))
		for _, c := range g.cells {
			if c.Latency != nil {
				v.Latency = append(v.Latency, c.latencyRow())
			}
		}
	}
	return v, nil
}

// draw makes the charts: one a metric and group, and one of the latencies a
// group.
func (v *pageView) draw(groups []*group, colors map[string]int) error {
	for _, m := range v.Metrics {
		row := chartRow{Title: m.Unit}
		for _, g := range groups {
			if !g.has(m.Unit) {
				continue
			}
			ch, err := barChart(g, m, colors)
			if err != nil {
				return fmt.Errorf("chart of %s: %w", m.Unit, err)
			}
			ch.Title = g.name
			row.Charts = append(row.Charts, ch)
		}
		v.Charts = append(v.Charts, row)
	}
	row := chartRow{Title: "Latency", Swatch: true}
	for _, g := range groups {
		ch, ok, err := latencyChart(g, colors)
		if err != nil {
			return fmt.Errorf("chart of latencies: %w", err)
		}
		if ok {
			ch.Title = g.name
			row.Charts = append(row.Charts, ch)
		}
	}
	if len(row.Charts) > 0 {
		v.Charts = append(v.Charts, row)
	}
	return nil
}

func (g *group) has(unit string) bool {
	for _, c := range g.cells {
		if c.metric(unit) != nil {
			return true
		}
	}
	return false
}

// page returns the table of a group.
func (g *group) page(metrics []Metric) pageTable {
	t := pageTable{Name: g.name, Rows: make([]pageRow, len(g.cells))}
	for i, c := range g.cells {
		t.Rows[i].Subject = c.Subject
	}
	for _, m := range metrics {
		best := g.best(m)
		for i, c := range g.cells {
			cell := pageCell{Median: "-", Best: c == best}
			if metric := c.metric(m.Unit); metric != nil {
				s := metric.Summary()
				cell.Median = number(s.Median)
				if s.Rounds > 1 {
					cell.Spread = number(s.Low) + " to " + number(s.High)
				}
			}
			t.Rows[i].Cells = append(t.Rows[i].Cells, cell)
		}
	}
	return t
}

func (c *Cell) latencyRow() latencyRow {
	row := latencyRow{Cell: c.name(), Count: c.Latency.Count}
	for _, percent := range tabled {
		text := "-"
		if us, ok := c.Latency.at(percent); ok {
			text = micro(us)
		}
		row.At = append(row.At, text)
	}
	return row
}

// dashText returns the dashes of subject i as SVG wants them.
func dashText(i int) string {
	var lengths []string
	for _, d := range subjectDashes(i) {
		lengths = append(lengths, fmt.Sprint(d.Points()))
	}
	return strings.Join(lengths, " ")
}

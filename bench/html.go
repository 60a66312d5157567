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

// WriteHTML writes r as one file without scripts, fonts or other files. It is
// well-formed XML too. Names in r may be hostile: they appear as text everywhere.
// The whole page is made before the first byte is written.
func WriteHTML(w io.Writer, r *Report) error {
	if err := r.Check(); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := page.Execute(&b, newPage(r)); err != nil {
		return err
	}
	_, err := b.WriteTo(w)
	return err
}

// pageView is the values for the template.
type pageView struct {
	Report  *Report
	Facts   []Pair
	Kind    string
	Legend  string
	Charts  []chartRow // of the main metrics, and of the latencies
	More    []chartRow // of the other metrics
	Metrics []Metric
	Tables  []pageTable
	Latency []latencyRow
}

type chartRow struct {
	Title  string
	Charts []chart
}

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

// tabled is the percentiles in the table of latencies.
var tabled = []float64{50, 90, 99, 99.9, 99.99, 100}

type latencyRow struct {
	Cell  string
	Count int64
	At    []string
}

func newPage(r *Report) *pageView {
	v := &pageView{Report: r, Kind: r.kind(), Metrics: r.metrics()}
	if !r.Begin.IsZero() {
		v.Facts = append(v.Facts, Pair{"begin", r.Begin.Format(time.RFC1123Z)})
	}
	if r.Elapsed > 0 {
		v.Facts = append(v.Facts, Pair{"took", time.Duration(r.Elapsed * float64(time.Second)).Round(time.Second).String()})
	}
	v.Facts = append(v.Facts, r.Host.pairs()...)
	v.Legend = newTable(r, 80).legend()
	groups := r.groups()
	v.draw(groups, r.subjects())
	for _, g := range groups {
		v.Tables = append(v.Tables, g.page(v.Metrics))
		for _, c := range g.cells {
			if c.Latency != nil {
				v.Latency = append(v.Latency, c.latencyRow())
			}
		}
	}
	return v
}

// draw makes the charts: one for each metric and group, and those of the
// latencies of each group.
func (v *pageView) draw(groups []*group, subjects []string) {
	for i, m := range v.Metrics {
		row := chartRow{Title: unitName(m.Unit)}
		for k, g := range groups {
			if g.has(m.Unit) {
				ch := barChart(fmt.Sprintf("m%d-%d", i, k), g, m)
				ch.Title = g.name
				row.Charts = append(row.Charts, ch)
			}
		}
		if isMain(m.Unit) {
			v.Charts = append(v.Charts, row)
		} else {
			v.More = append(v.More, row)
		}
	}
	if len(v.Charts) == 0 {
		v.Charts, v.More = v.More, nil
	}
	row := chartRow{Title: "Latency"}
	for k, g := range groups {
		charts := latencyCharts(fmt.Sprintf("latency%d", k), g, subjects)
		for i, ch := range charts {
			ch.Title = g.name
			if len(charts) > 1 {
				ch.Title = strings.TrimSpace(fmt.Sprintf("%s (%d of %d)", g.name, i+1, len(charts)))
			}
			row.Charts = append(row.Charts, ch)
		}
	}
	if len(row.Charts) > 0 {
		v.Charts = append(v.Charts, row)
	}
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

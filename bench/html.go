package bench

import (
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// styleSheet has the colours of lines by Okabe and Ito, which most people can
// distinguish. The blue, the orange and the yellow are moved towards the middle,
// for contrast with the page.
//
//go:embed report.css
var styleSheet string

// WriteHTML writes r as one file without scripts, fonts or other files. It is
// well-formed XML too. Names in r may be hostile: they appear as text everywhere.
// The whole page is made before the first byte is written.
func WriteHTML(w io.Writer, r *Report) error {
	if err := r.Check(); err != nil {
		return err
	}
	_, err := io.WriteString(w, page(r))
	return err
}

// page returns the page of r, which must be valid. It is made without html/template:
// see "Not taken" in DESIGN.md.
func page(r *Report) string {
	title := cmp.Or(r.Title, "Measurements")
	var m markup
	m.add(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>%s</title>
<style>
`, title)
	m.raw(styleSheet)
	m.add(`</style>
</head>
<body>
<header>
<h1>%s</h1>
`, title)
	if r.Command != "" {
		m.add("<p><code>%s</code></p>\n", r.Command)
	}
	m.add("</header>\n<main>\n")
	if len(r.Answer) > 0 {
		m.add(`<section class="answer" aria-label="Answer">`)
		m.list(r.Answer)
		m.add("</section>\n")
	}
	if len(r.Cells) > 0 {
		m.figures(r)
	} else {
		m.add("<p>Nothing was measured.</p>\n")
	}
	m.conditions(r)
	m.add("</main>\n</body>\n</html>\n")
	return m.String()
}

// list appends items as a list.
func (m *markup) list(items []string) {
	m.add("<ul>")
	for _, item := range items {
		m.add("<li>%s</li>", item)
	}
	m.add("</ul>")
}

// figures appends all that was measured: as charts, then as tables.
func (m *markup) figures(r *Report) {
	m.add(`<p class="quiet">%s In charts the thin lines, and in tables the small figures, are that spread from end to end. `+
		"A bar in the stronger colour is marked with *. Each chart has a scale of its own.</p>\n", newTable(r, 80).legend())
	groups, metrics := r.groups(), r.metrics()
	main, others := allCharts(groups, metrics, r.subjects())
	m.charts(main)
	if len(others) > 0 {
		m.add("<details><summary>Charts of the other figures</summary>\n")
		m.charts(others)
		m.add("</details>\n")
	}
	m.add("<section>\n<h2>All figures</h2>\n")
	for _, g := range groups {
		m.table(g, metrics, r.kind())
	}
	m.latencies(groups)
	m.add("</section>\n")
}

// A chartRow is the charts of one figure, one or more for each group.
type chartRow struct {
	title  string
	charts []chart
}

// allCharts draws the charts: one for each metric and group, and those of the
// latencies of each group. The page shows those of the main metrics and of the
// latencies, and folds those of the other metrics away.
func allCharts(groups []*group, metrics []Metric, subjects []string) (main, others []chartRow) {
	for i, m := range metrics {
		row := chartRow{title: unitName(m.Unit)}
		for k, g := range groups {
			if g.has(m.Unit) {
				ch := barChart(fmt.Sprintf("m%d-%d", i, k), g, m)
				ch.title = g.name
				row.charts = append(row.charts, ch)
			}
		}
		if isMain(m.Unit) {
			main = append(main, row)
		} else {
			others = append(others, row)
		}
	}
	if len(main) == 0 {
		main, others = others, nil
	}
	row := chartRow{title: "Latency"}
	for k, g := range groups {
		charts := latencyCharts(fmt.Sprintf("latency%d", k), g, subjects)
		for i, ch := range charts {
			ch.title = g.name
			if len(charts) > 1 {
				ch.title = strings.TrimSpace(fmt.Sprintf("%s (%d of %d)", g.name, i+1, len(charts)))
			}
			row.charts = append(row.charts, ch)
		}
	}
	if len(row.charts) > 0 {
		main = append(main, row)
	}
	return main, others
}

func (g *group) has(unit string) bool {
	for _, c := range g.cells {
		if c.metric(unit) != nil {
			return true
		}
	}
	return false
}

// charts appends rows of charts.
func (m *markup) charts(rows []chartRow) {
	for _, row := range rows {
		m.add("<section>\n<h2>%s</h2>\n<div class=\"charts\">", row.title)
		for _, ch := range row.charts {
			m.add("<figure>")
			if ch.title != "" {
				m.add("<h3>%s</h3>", ch.title)
			}
			m.raw(ch.svg)
			if len(ch.key) > 0 {
				m.add(`<ul class="key">`)
				for _, s := range ch.key {
					m.add(`<li><svg viewBox="0 0 38 10" aria-hidden="true"><line class="%s" x1="0" y1="5" x2="38" y2="5"/></svg>%s</li>`, s.class, s.name)
				}
				m.add("</ul>")
			}
			m.add("</figure>")
		}
		m.add("</div>\n</section>\n")
	}
}

// tableOf appends a table with a caption and the titles of its columns; rows
// appends the rows.
func (m *markup) tableOf(caption string, titles []string, rows func()) {
	m.add("<div class=\"scroll\" tabindex=\"0\"><table>\n<caption>%s</caption>\n<thead><tr>", caption)
	for _, title := range titles {
		m.add(`<th scope="col">%s</th>`, title)
	}
	m.add("</tr></thead>\n<tbody>")
	rows()
	m.add("</tbody>\n</table></div>\n")
}

// table appends the figures of a group: a row for each cell, a column for each
// metric.
func (m *markup) table(g *group, metrics []Metric, kind string) {
	titles := []string{kind}
	best := make([]*Cell, len(metrics)) // of each metric, or nil
	for i, metric := range metrics {
		titles = append(titles, metric.Unit)
		best[i] = g.best(metric)
	}
	m.tableOf(cmp.Or(g.name, "All"), titles, func() {
		for _, c := range g.cells {
			m.add(`<tr><th scope="row">%s</th>`, c.label())
			for i, metric := range metrics {
				m.figure(c.metric(metric.Unit), c == best[i])
			}
			m.add("</tr>\n")
		}
	})
}

// figure appends a metric of a cell, which may be nil, to a row of a table.
func (m *markup) figure(metric *Metric, best bool) {
	median, spread := "-", ""
	if metric != nil {
		s := metric.Summary()
		median = number(s.Median)
		if s.Rounds > 1 {
			spread = number(s.Low) + " to " + number(s.High)
		}
	}
	if best {
		m.add(`<td class="best">%s *`, median)
	} else {
		m.add("<td>%s", median)
	}
	if spread != "" {
		m.add("<small>%s</small>", spread)
	}
	m.add("</td>")
}

// latencies appends the table of latencies, if any were measured.
func (m *markup) latencies(groups []*group) {
	var cells []*Cell
	for _, g := range groups {
		for _, c := range g.cells {
			if c.Latency != nil {
				cells = append(cells, c)
			}
		}
	}
	if len(cells) == 0 {
		return
	}
	titles := []string{"cell", "requests", "median", "90 %", "99 %", "99.9 %", "99.99 %", "slowest"}
	m.tableOf("Latency of all rounds together", titles, func() {
		for _, c := range cells {
			m.add(`<tr><th scope="row">%s</th><td>%s</td>`, c.name(), strconv.FormatInt(c.Latency.Count, 10))
			for _, percent := range []float64{50, 90, 99, 99.9, 99.99, 100} { // as the titles say
				text := "-"
				if us, ok := c.Latency.at(percent); ok {
					text = micro(us)
				}
				m.add("<td>%s</td>", text)
			}
			m.add("</tr>\n")
		}
	})
}

// conditions appends where and how r was measured, and its notes.
func (m *markup) conditions(r *Report) {
	var machine []Pair
	if !r.Begin.IsZero() {
		machine = append(machine, Pair{"begin", r.Begin.Format(time.RFC1123Z)})
	}
	if r.Elapsed > 0 {
		machine = append(machine, Pair{"took", time.Duration(r.Elapsed * float64(time.Second)).Round(time.Second).String()})
	}
	machine = append(machine, r.Host.pairs()...)
	m.add("<section aria-label=\"Conditions\">\n<div class=\"facts\">\n")
	m.facts("Machine", machine)
	m.facts("Settings", r.Settings)
	m.facts("Versions", r.Versions)
	m.add("</div>\n")
	if len(r.Notes) > 0 {
		m.add("<h2>Notes</h2>")
		m.list(r.Notes)
		m.add("\n")
	}
	m.add("</section>\n")
}

// facts appends pairs under a title, if there are any.
func (m *markup) facts(title string, pairs []Pair) {
	if len(pairs) == 0 {
		return
	}
	m.add("<div><h2>%s</h2><dl>", title)
	for _, p := range pairs {
		m.add("<dt>%s</dt><dd>%s</dd>", p.Name, p.Value)
	}
	m.add("</dl></div>\n")
}

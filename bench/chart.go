package bench

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A chart is a picture for the page. Its SVG has a title and a description for
// screen readers.
type chart struct {
	title string
	svg   string
	key   []swatch // to its lines; nil if they are named in the picture
}

// A swatch is the line of a subject in a key.
type swatch struct {
	name  string
	class string
}

// barChart draws one metric of a group: a bar for each cell with its name and
// its median, and its spread as a thin line. The best cell, if one is better
// than all others beyond the noise, has a colour of its own and a star.
func barChart(id string, g *group, m Metric) chart {
	const rowHeight, barHeight, cap = 24, 14, 3
	var bars []bar
	var spoken []string // for the description
	best := g.best(m)
	names, values := 0.0, textWidth(absent) // widths of the columns
	low, high := 0.0, 0.0
	for _, c := range g.cells {
		b := bar{name: cut(plain(c.label()), 24), value: absent, best: c == best}
		if metric := c.metric(m.Unit); metric != nil {
			b.Summary = metric.Summary()
			b.value = number(b.Median)
			spoken = append(spoken, fmt.Sprintf("%s %s (%s to %s)", c.label(), b.value, number(b.Low), number(b.High)))
			if b.best {
				b.value += " *"
			}
			low, high = min(low, b.Low), max(high, b.High)
		}
		names, values = max(names, textWidth(b.name)), max(values, textWidth(b.value))
		bars = append(bars, b)
	}
	if high-low < 1e-12 {
		high = low + 1 // all are zero, and an axis needs a length
	}
	x := scale{low: low, high: high, from: names + 8, to: chartWidth - values - 8}
	bottom := float64(rowHeight*len(bars) + 4)

	var d drawing
	for _, t := range x.evenTicks() {
		d.line("grid", x.at(t.value), 0, x.at(t.value), bottom+3)
		d.text(x.at(t.value), bottom+3+fontSize, anchorMiddle, t.label)
	}
	for i, b := range bars {
		middle := rowHeight*(float64(i)+0.5) + 2
		baseline := middle + 0.35*fontSize
		d.text(names, baseline, anchorEnd, b.name)
		if b.Rounds > 0 {
			class := "bar"
			if b.best {
				class = "bar best"
			}
			from, to := x.at(min(b.Median, 0)), x.at(max(b.Median, 0))
			d.rect(class, from, middle-barHeight/2, to-from, barHeight)
		}
		if b.Rounds > 1 {
			d.line("whisker", x.at(b.Low), middle, x.at(b.High), middle)
			d.line("whisker", x.at(b.Low), middle-cap, x.at(b.Low), middle+cap)
			d.line("whisker", x.at(b.High), middle-cap, x.at(b.High), middle+cap)
		}
		d.text(x.at(max(b.High, 0))+5, baseline, anchorStart, b.value)
	}
	d.line("axis", x.at(0), 0, x.at(0), bottom)
	d.text(chartWidth/2, bottom+3+fontSize+lineHeight, anchorMiddle, fmt.Sprintf("%s (%s is better)", unitName(m.Unit), m.Better))
	title := strings.TrimSpace(unitName(m.Unit) + " " + g.name)
	return d.chart(id, bottom+3+fontSize+lineHeight+4, title, strings.Join(spoken, "; "))
}

// A bar is a cell in a bar chart.
type bar struct {
	Summary     // no rounds: the cell has no such metric
	name, value string
	best        bool
}

// maxLines is how many lines a chart may have. The style sheet has a colour and
// a pattern of dashes for each; more colours cannot be distinguished.
const maxLines = 7

// latencyCharts draws the percentiles of a group, as a line for each cell, the
// tail stretched by a logarithmic axis. More cells than a chart may have lines
// get several charts, with the same axes. It returns nil if there are none.
func latencyCharts(id string, g *group, subjects []string) []chart {
	parts := parts(len(subjects), maxLines)
	curves := make([][]curve, len(parts))
	high, fastest, slowest := 0.0, math.Inf(1), 0.0
	for _, c := range g.cells {
		points := latencyCurve(c.Latency)
		if len(points) < 2 {
			continue
		}
		i := slices.Index(subjects, c.Subject)
		k := slices.IndexFunc(parts, func(p part) bool { return i < p.end })
		curves[k] = append(curves[k], curve{c, points, swatch{c.label(), fmt.Sprintf("line line%d", i-parts[k].begin)}})
		last := points[len(points)-1]
		high, fastest, slowest = max(high, last.x), min(fastest, points[0].y), max(slowest, last.y)
	}
	if high == 0 {
		return nil
	}
	// Whole decades, or an axis may have no tick at all.
	floor, ceiling := math.Floor(math.Log10(fastest)), math.Ceil(math.Log10(slowest))
	if ceiling <= floor {
		ceiling = floor + 1
	}
	const left, top, height = 62, 8, 200
	x := scale{low: 1, high: max(high, 2), from: left, to: chartWidth - 12, log: true}
	y := scale{low: math.Pow(10, floor), high: math.Pow(10, ceiling), from: top + height, to: top, log: true}
	var charts []chart
	for k, part := range curves {
		if len(part) > 0 {
			charts = append(charts, latencyChart(fmt.Sprintf("%s-%d", id, k), g.name, part, x, y))
		}
	}
	return charts
}

// A curve is the latency of a cell in a chart.
type curve struct {
	cell   *Cell
	points []point
	swatch swatch
}

// latencyChart draws curves, at most maxLines.
func latencyChart(id, name string, curves []curve, x, y scale) chart {
	var d drawing
	for _, t := range x.fitting(percentTicks(x.high), textWidth) {
		d.line("grid", x.at(t.value), y.to, x.at(t.value), y.from+3)
		d.text(x.at(t.value), y.from+3+fontSize, anchorMiddle, t.label)
	}
	for _, t := range y.fitting(timeTicks(y.low, y.high), func(string) float64 { return fontSize }) {
		d.line("grid", x.from-3, y.at(t.value), x.to, y.at(t.value))
		d.text(x.from-6, y.at(t.value)+0.35*fontSize, anchorEnd, t.label)
	}
	d.line("axis", x.from, y.from, x.to, y.from)
	d.line("axis", x.from, y.from, x.from, y.to)
	var spoken []string // for the description
	var key []swatch
	for _, c := range curves {
		line := make([]point, len(c.points))
		for i, p := range c.points {
			line[i] = point{x.at(p.x), y.at(p.y)}
		}
		d.polyline(c.swatch.class, line)
		key = append(key, c.swatch)
		text := c.cell.label()
		for _, percent := range []float64{50, 99, 100} {
			if us, ok := c.cell.Latency.at(percent); ok {
				text += fmt.Sprintf(" p%g %s", percent, micro(us))
			}
		}
		spoken = append(spoken, text)
	}
	label := y.from + 3 + fontSize + lineHeight
	d.text((x.from+x.to)/2, label, anchorMiddle, "% of requests done within the time at the left")
	ch := d.chart(id, label+4, strings.TrimSpace("latency "+name), strings.Join(spoken, "; "))
	ch.key = key
	return ch
}

// A part is a range of indexes, without its end.
type part struct{ begin, end int }

// parts divides n into parts of about the same size, of at most most each.
func parts(n, most int) []part {
	count := (n + most - 1) / most
	var all []part
	for i := range count {
		all = append(all, part{n * i / count, n * (i + 1) / count})
	}
	return all
}

// latencyCurve returns the points 1/(1-p), microseconds. The slowest of n
// requests stands at n.
func latencyCurve(l *Latency) []point {
	if l == nil {
		return nil
	}
	const shortest = 1e-3 // a nanosecond: zero has no place on the axis
	var points []point
	for _, p := range l.Percentiles {
		x := float64(l.Count)
		if p.Percent < 100 {
			x = 100 / (100 - p.Percent)
		}
		if len(points) == 0 || x > points[len(points)-1].x {
			points = append(points, point{x, max(p.Micros, shortest)})
		}
	}
	return points
}

// percentTicks marks 1/(1-p) with p.
func percentTicks(high float64) []tick {
	ticks := []tick{{1, "0"}, {2, "50"}, {10, "90"}}
	label := "99"
	for x := 100.0; x <= min(high, 1e6); x *= 10 {
		ticks = append(ticks, tick{x, label})
		if label == "99" {
			label += "."
		}
		label += "9"
	}
	return slices.DeleteFunc(ticks, func(t tick) bool { return t.value > high })
}

// timeTicks marks the decades of microseconds from low to high, which are such.
func timeTicks(low, high float64) []tick {
	var ticks []tick
	for e := math.Round(math.Log10(low)); e <= math.Round(math.Log10(high)); e++ {
		us := math.Pow(10, e)
		ticks = append(ticks, tick{us, micro(us)})
	}
	return ticks
}

// short returns v in few digits.
func short(v float64) string {
	name := ""
	switch size := math.Abs(v); {
	case size >= 1e9:
		v, name = v/1e9, "G"
	case size >= 1e6:
		v, name = v/1e6, "M"
	case size >= 1e4:
		v, name = v/1e3, "k"
	}
	return strconv.FormatFloat(v, 'g', 4, 64) + name
}

// micro returns microseconds with the unit that suits them.
func micro(us float64) string {
	value, unit := us, "µs"
	switch {
	case us >= 1e6:
		value, unit = us/1e6, "s"
	case us >= 1e3:
		value, unit = us/1e3, "ms"
	}
	return strconv.FormatFloat(value, 'g', 3, 64) + " " + unit
}

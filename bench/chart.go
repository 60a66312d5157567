package bench

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"regexp"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Charts are drawn in colours that no eye sees: each stands for a variable of
// the style sheet, which knows light from dark. toCSS replaces them.
var (
	ink      = color.NRGBA{0, 1, 0, 255} // text and axes
	faint    = color.NRGBA{0, 1, 1, 255} // grid
	variable = regexp.MustCompile(`#0001([0-9A-F]{2})`)
	styles   = regexp.MustCompile(`style="[^"]*"`) // text has its quotes escaped
)

// hues is how many colours the style sheet has for subjects. Those that share
// a colour differ by their dashes, and bars by the names beside them.
const hues = 7

func subjectColor(i int) color.Color { return color.NRGBA{0, 1, uint8(0x10 + i%hues), 255} }

var dashes = [][]vg.Length{nil, {6, 3}, {2, 2}, {8, 2, 2, 2}}

func subjectDashes(i int) []vg.Length { return dashes[i/hues%len(dashes)] }

func toCSS(svg []byte) []byte {
	return styles.ReplaceAllFunc(svg, func(style []byte) []byte {
		return variable.ReplaceAll(style, []byte("var(--c$1)"))
	})
}

// chartWidth is that of all charts, in points. The page scales them.
const chartWidth = 380

const fontSize = 11

// A chart is a picture with what a screen reader says of it.
type chart struct {
	Title string
	SVG   template.HTML
}

// newPlot returns an empty plot in the colours of the page.
func newPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Color = ink
		a.LineStyle.Color = ink
		a.Tick.LineStyle.Color = ink
		for _, s := range []*text.Style{&a.Label.TextStyle, &a.Tick.Label} {
			s.Color = ink
			s.Font.Variant = "Sans"
			s.Font.Size = font.Length(fontSize)
		}
	}
	return p
}

// svg draws p. The title and the description are for those who cannot see it.
func svg(p *plot.Plot, height vg.Length, title, description string) (chart, error) {
	canvas := vgsvg.New(chartWidth, height)
	p.Draw(draw.New(canvas))
	var drawn bytes.Buffer
	if _, err := canvas.WriteTo(&drawn); err != nil {
		return chart{}, err
	}
	// The head is made anew: without an XML declaration, which HTML has no
	// place for, and without a size, which is the page's affair.
	_, rest, _ := bytes.Cut(drawn.Bytes(), []byte("<svg"))
	_, body, found := bytes.Cut(rest, []byte(">"))
	if !found {
		return chart{}, fmt.Errorf("chart %s: no svg element in what was drawn", title)
	}
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, `<svg viewBox="0 0 %d %g" role="img"><title>%s</title><desc>%s</desc>`, chartWidth, height.Points(),
		template.HTMLEscapeString(plain(title)), template.HTMLEscapeString(plain(description)))
	_, _ = b.Write(toCSS(body))
	return chart{Title: title, SVG: template.HTML(b.String())}, nil
}

// barChart draws one metric of a group: a bar for each cell, with its spread.
func barChart(g *group, m Metric, colors map[string]int) (chart, error) {
	p := newPlot()
	var names []string
	var labels plotter.XYLabels
	var says []string
	longest := 0.0
	for i := len(g.cells) - 1; i >= 0; i-- { // the vertical axis counts upwards
		c := g.cells[i]
		y := float64(len(names))
		names = append(names, cut(plain(c.Subject), 24))
		metric := c.metric(m.Unit)
		if metric == nil {
			labels.XYs = append(labels.XYs, plotter.XY{X: 0, Y: y})
			labels.Labels = append(labels.Labels, "-")
			continue
		}
		s := metric.Summary()
		bar, err := plotter.NewBarChart(plotter.Values{s.Median}, 15)
		if err != nil {
			return chart{}, err
		}
		bar.Horizontal, bar.XMin = true, y
		bar.Color = subjectColor(colors[c.Subject])
		bar.LineStyle.Width = 0
		p.Add(bar)
		if s.Rounds > 1 {
			whisker, err := plotter.NewXErrorBars(spreadOf{s, y})
			if err != nil {
				return chart{}, err
			}
			whisker.LineStyle.Color, whisker.LineStyle.Width = ink, 1
			whisker.CapWidth = 7
			p.Add(whisker)
		}
		labels.XYs = append(labels.XYs, plotter.XY{X: max(s.High, 0), Y: y})
		labels.Labels = append(labels.Labels, number(s.Median))
		says = append(says, fmt.Sprintf("%s %s (%s to %s)", c.Subject, number(s.Median), number(s.Low), number(s.High)))
		longest = max(longest, s.High)
	}
	values, err := plotter.NewLabels(labels)
	if err != nil {
		return chart{}, err
	}
	for i := range values.TextStyle {
		st := &values.TextStyle[i]
		st.Color = ink
		st.Font.Variant, st.Font.Size = "Sans", fontSize
		st.YAlign = text.YCenter
	}
	values.Offset = vg.Point{X: 5}
	p.Add(values)
	p.NominalY(names...)
	p.Y.Width = 0
	p.Y.Tick.Width = 0
	p.X.Label.Text = fmt.Sprintf("%s (%s is better)", m.Unit, m.Better)
	p.X.Tick.Marker = fewTicks{}
	p.X.Min = min(p.X.Min, 0)
	p.X.Max = max(longest, p.X.Max) * 1.22 // room for the figures
	if p.X.Max-p.X.Min < 1e-12 {
		p.X.Max = p.X.Min + 1 // all are zero, and an axis needs a length
	}
	p.Y.Min, p.Y.Max = -0.6, float64(len(names))-0.4
	return svg(p, vg.Length(54+23*len(names)), strings.TrimSpace(m.Unit+" "+g.name), strings.Join(says, "; "))
}

// spreadOf is a summary as a point with error bars.
type spreadOf struct {
	Summary
	y float64
}

func (s spreadOf) Len() int                       { return 1 }
func (s spreadOf) XY(int) (x, y float64)          { return s.Median, s.y }
func (s spreadOf) XError(int) (low, high float64) { return s.Low - s.Median, s.High - s.Median }

// fewTicks marks an axis at steps of 1, 2 or 5 times a power of ten, so few
// that the figures fit beside each other.
type fewTicks struct{}

func (fewTicks) Ticks(low, high float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/2)))
	for _, times := range []float64{5, 2} {
		if step*times*2 <= high-low {
			step *= times
			break
		}
	}
	var ticks []plot.Tick
	for i := math.Ceil(low / step); i*step <= high; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: short(i * step)})
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

// latencyChart draws the percentiles of a group, as a line for each cell, the
// tail stretched by a logarithmic axis. It is false if there are none.
func latencyChart(g *group, colors map[string]int) (chart, bool, error) {
	p := newPlot()
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = percentTicks{}, timeTicks{}
	p.X.Label.Text, p.Y.Label.Text = "percentile of requests", "done within"
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = faint, faint
	p.Add(grid)
	var says []string
	for _, c := range g.cells {
		points := curve(c.Latency)
		if len(points) < 2 {
			continue
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return chart{}, false, err
		}
		i := colors[c.Subject]
		line.Color, line.Width, line.Dashes = subjectColor(i), 2, subjectDashes(i)
		p.Add(line)
		said := c.Subject
		for _, percent := range []float64{50, 99, 100} {
			if us, ok := c.Latency.at(percent); ok {
				said += fmt.Sprintf(" p%g %s", percent, micro(us))
			}
		}
		says = append(says, said)
	}
	if len(says) == 0 {
		return chart{}, false, nil
	}
	// A whole decade, or the axis may have no tick at all.
	p.Y.Min = math.Pow(10, math.Floor(math.Log10(p.Y.Min)))
	p.Y.Max = math.Pow(10, math.Ceil(math.Log10(p.Y.Max)))
	if p.Y.Max <= p.Y.Min {
		p.Y.Max = p.Y.Min * 10
	}
	ch, err := svg(p, 250, strings.TrimSpace("latency "+g.name), strings.Join(says, "; "))
	return ch, true, err
}

// curve returns the points 1/(1-p), microseconds. The slowest of n requests
// stands at n.
func curve(l *Latency) plotter.XYs {
	if l == nil {
		return nil
	}
	var points plotter.XYs
	for _, p := range l.Percentiles {
		x := float64(l.Count)
		if p.Percent < 100 {
			x = 100 / (100 - p.Percent)
		}
		// What is under a nanosecond has no place on the axis.
		if us := max(p.Micros, 1e-3); len(points) == 0 || x > points[len(points)-1].X {
			points = append(points, plotter.XY{X: x, Y: us})
		}
	}
	return points
}

// percentTicks marks 1/(1-p) with p.
type percentTicks struct{}

func (percentTicks) Ticks(_, high float64) []plot.Tick {
	ticks := []plot.Tick{{Value: 1, Label: "0"}, {Value: 2, Label: "50"}, {Value: 10, Label: "90"}}
	label := "99"
	for x := 100.0; x <= high && x <= 1e6; x *= 10 {
		ticks = append(ticks, plot.Tick{Value: x, Label: label})
		if label == "99" {
			label += "."
		}
		label += "9"
	}
	return ticks
}

// timeTicks marks the decades of microseconds.
type timeTicks struct{}

func (timeTicks) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for e := math.Floor(math.Log10(low)); e <= math.Ceil(math.Log10(high)); e++ {
		us := math.Pow(10, e)
		ticks = append(ticks, plot.Tick{Value: us, Label: micro(us)})
	}
	return ticks
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

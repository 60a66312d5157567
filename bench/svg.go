package bench

import (
	"fmt"
	"math"
	"strings"
)

// chartWidth is the width of all charts in units of their own, which are CSS
// pixels where the page does not scale them.
const chartWidth = 380

const (
	fontSize   = 11
	lineHeight = 14
)

// A drawing is an SVG picture that is being made. Its elements have classes, and
// the style sheet of the page has their colours, fonts and line widths, for light
// and dark mode.
type drawing struct{ body markup }

// An anchor says which part of a text stands at its position.
type anchor string

const (
	anchorStart  anchor = "start"
	anchorMiddle anchor = "middle"
	anchorEnd    anchor = "end"
)

// text writes s with its baseline at y.
func (d *drawing) text(x, y float64, at anchor, s string) {
	d.body.add(`<text x="%s" y="%s" text-anchor="%s">%s</text>`, coord(x), coord(y), string(at), s)
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	d.body.add(`<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`, class, coord(x1), coord(y1), coord(x2), coord(y2))
}

func (d *drawing) rect(class string, x, y, width, height float64) {
	d.body.add(`<rect class="%s" x="%s" y="%s" width="%s" height="%s"/>`, class, coord(x), coord(y), coord(width), coord(height))
}

// polyline draws a line through points.
func (d *drawing) polyline(class string, points []point) {
	var at []string
	for _, p := range points {
		at = append(at, coord(p.x)+","+coord(p.y))
	}
	d.body.add(`<polyline class="%s" points="%s"/>`, class, strings.Join(at, " "))
}

// chart completes the drawing. Screen readers read the title and the description
// instead of it. The id is unique on the page.
func (d *drawing) chart(id string, height float64, title, description string) chart {
	var svg markup
	svg.add(`<svg viewBox="0 0 %s %s" role="img" aria-labelledby="%s-t %s-d"><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		coord(chartWidth), coord(height), id, id, id, title, id, description)
	svg.raw(d.body.String())
	svg.raw("</svg>")
	return chart{title: title, svg: svg.String()}
}

// coord returns a coordinate to a tenth of a unit.
func coord(v float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
}

// textWidth estimates the width of s in a chart, rather too wide than too narrow:
// the font is only known to the browser.
func textWidth(s string) float64 {
	width := 0.0
	for _, r := range s {
		switch {
		case r >= 0x1100: // East Asian letters are square
			width += fontSize
		case r == 'm' || r == 'w' || r >= 'A' && r <= 'Z':
			width += 0.8 * fontSize
		default:
			width += 0.57 * fontSize
		}
	}
	return width
}

// A point is a place in a chart, or a pair of values that belongs there.
type point struct{ x, y float64 }

// A scale maps values to coordinates.
type scale struct {
	low, high float64 // values
	from, to  float64 // coordinates
	log       bool
}

func (s scale) at(v float64) float64 {
	low, high := s.low, s.high
	if s.log {
		low, high, v = math.Log10(low), math.Log10(high), math.Log10(v)
	}
	return s.from + (v-low)/(high-low)*(s.to-s.from)
}

// A tick is a mark on an axis.
type tick struct {
	value float64
	label string
}

// fitting returns the ticks whose labels do not overlap the one before. size
// returns the extent of a label along the axis.
func (s scale) fitting(ticks []tick, size func(label string) float64) []tick {
	const gap = 6
	var kept []tick
	for _, t := range ticks {
		if len(kept) > 0 {
			last := kept[len(kept)-1]
			if math.Abs(s.at(t.value)-s.at(last.value)) < (size(t.label)+size(last.label))/2+gap {
				continue
			}
		}
		kept = append(kept, t)
	}
	return kept
}

// evenTicks marks a linear scale at steps of 1, 2 or 5 times a power of ten, as
// many as have room for their labels.
func (s scale) evenTicks() []tick {
	for _, most := range []float64{6, 4, 3, 2} {
		step := math.Pow(10, math.Floor(math.Log10((s.high-s.low)/most)))
		for _, times := range []float64{1, 2, 5, 10} {
			if (s.high-s.low)/(step*times) <= most {
				step *= times
				break
			}
		}
		var ticks []tick
		for i := math.Ceil(s.low / step); i*step <= s.high; i++ {
			ticks = append(ticks, tick{i * step, short(i * step)})
		}
		if len(s.fitting(ticks, textWidth)) == len(ticks) {
			return ticks
		}
	}
	return []tick{{0, "0"}}
}

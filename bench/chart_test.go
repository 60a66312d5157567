package bench

import (
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A drawn is a chart in the page.
type drawn struct {
	title    string
	desc     string
	width    float64
	height   float64
	elements []xml.StartElement
	texts    []label
}

// A label is a text in a chart, and about where it is.
type label struct {
	text                     string
	left, right, top, bottom float64
}

// all returns the values of an attribute of the elements of that name, or of
// all elements if it is "*".
func (d *drawn) all(name, attribute string) []string {
	var values []string
	for _, e := range d.elements {
		if name == "*" || e.Name.Local == name {
			for _, a := range e.Attr {
				if a.Name.Local == attribute {
					values = append(values, a.Value)
				}
			}
		}
	}
	return values
}

// chartsOf returns the charts of the report's page, without the swatches of
// keys.
func chartsOf(t *testing.T, r *Report) []*drawn {
	t.Helper()
	var charts []*drawn
	var ch *drawn // the one that is open
	within := ""
	d := xml.NewDecoder(strings.NewReader(pageOf(t, r)))
	for {
		token, err := d.Token()
		if token == nil {
			return charts
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			token = token.Copy()
			switch within = token.Name.Local; {
			case within == "svg" && attribute(token, "role") == "img":
				ch = &drawn{}
				box := strings.Fields(attribute(token, "viewBox"))
				ch.width, ch.height = float(t, box[2]), float(t, box[3])
				charts = append(charts, ch)
			case ch != nil:
				ch.elements = append(ch.elements, token)
			}
		case xml.EndElement:
			if within = ""; token.Name.Local == "svg" {
				ch = nil
			}
		case xml.CharData:
			switch {
			case ch == nil:
			case within == "title":
				ch.title = string(token)
			case within == "desc":
				ch.desc = string(token)
			case within == "text":
				ch.texts = append(ch.texts, labelOf(t, ch.elements[len(ch.elements)-1], string(token)))
			}
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func float(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func labelOf(t *testing.T, e xml.StartElement, text string) label {
	x, y, width := float(t, attribute(e, "x")), float(t, attribute(e, "y")), textWidth(text)
	l := label{text: text, left: x, top: y - 0.75*fontSize, bottom: y + 0.25*fontSize}
	switch anchor(attribute(e, "text-anchor")) {
	case anchorMiddle:
		l.left -= width / 2
	case anchorEnd:
		l.left -= width
	}
	l.right = l.left + width
	return l
}

// crowded returns a report that is hard to draw: many subjects with long names,
// figures from tiny to huge, wide spreads, and latencies over many decades.
func crowded(subjects int) *Report {
	rnd := newRand()
	r := &Report{Title: "Crowded"}
	for _, size := range []string{"4KiB", "1GiB"} {
		for i := range subjects {
			c := Cell{Subject: fmt.Sprintf("MWMWMWMW subject with a long name %d", i), Params: []Pair{{"size", size}}}
			for k, unit := range []string{"cpu-s/GB", "MB/s", "p99-us", "odd"} {
				c.Metrics = append(c.Metrics, Metric{unit, Lower, noisy(rnd, 9, math.Pow10(4*k-3), 0.5)})
			}
			c.Metrics = append(c.Metrics, Metric{"delta", Lower, []float64{-5, 3, 1}}, Metric{"zero", Lower, []float64{0, 0, 0}})
			l := &Latency{Count: 1e12}
			for k, p := range ladder {
				l.Percentiles = append(l.Percentiles, Percentile{p, math.Pow10(k-2) * float64(i+1)})
			}
			l.Percentiles = append(l.Percentiles, Percentile{100, 1e15})
			c.Latency = l
			r.Cells = append(r.Cells, c)
		}
	}
	return r
}

func TestTextOfChartsFitsAndDoesNotOverlap(t *testing.T) {
	for name, r := range map[string]*Report{"the usual": fixture(), "a crowded one": crowded(12), "a single cell": crowded(1)} {
		t.Run(name, func(t *testing.T) {
			for _, ch := range chartsOf(t, r) {
				for i, a := range ch.texts {
					if a.left < 0 || a.right > ch.width || a.top < 0 || a.bottom > ch.height {
						t.Errorf("chart %q: %q reaches from %.0f to %.0f and %.0f to %.0f, want it within %.0f by %.0f",
							ch.title, a.text, a.left, a.right, a.top, a.bottom, ch.width, ch.height)
					}
					for _, b := range ch.texts[i+1:] {
						if a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom {
							t.Errorf("chart %q: %q and %q overlap", ch.title, a.text, b.text)
						}
					}
				}
			}
		})
	}
}

// More than seven colours cannot be distinguished, and a colour for two subjects
// misleads.
func TestAChartHasAtMostSevenColours(t *testing.T) {
	for _, subjects := range []int{1, 7, 8, 14, 15, 30} {
		t.Run(fmt.Sprint(subjects), func(t *testing.T) {
			lines := 0
			for _, ch := range chartsOf(t, crowded(subjects)) {
				classes := ch.all("polyline", "class")
				lines += len(classes)
				slices.Sort(classes)
				if len(classes) > 7 || len(slices.Compact(slices.Clone(classes))) < len(classes) {
					t.Errorf("chart %q has lines of the classes %q, want at most 7, each once", ch.title, classes)
				}
				for _, class := range classes {
					if style := "." + strings.TrimPrefix(class, "line ") + " {"; !strings.Contains(styleSheet, style) {
						t.Errorf("the style sheet has no %s", style)
					}
				}
				bars := ch.all("rect", "class")
				slices.Sort(bars)
				if bars = slices.Compact(bars); len(bars) > 2 {
					t.Errorf("chart %q has bars of the classes %q, want two at most", ch.title, bars)
				}
			}
			if want := 2 * subjects; lines != want {
				t.Errorf("got %d lines in all charts of latencies, want %d", lines, want)
			}
		})
	}
}

func TestBarsShowTheirSpread(t *testing.T) {
	r := &Report{Cells: []Cell{
		{Subject: "a", Metrics: []Metric{{"MB/s", Higher, []float64{80, 100, 120, 100}}}},
		{Subject: "b", Metrics: []Metric{{"MB/s", Higher, []float64{40, 50, 60, 50}}}},
		{Subject: "once", Metrics: []Metric{{"MB/s", Higher, []float64{10}}}},
		{Subject: "none", Metrics: []Metric{{"x", Higher, []float64{1}}}},
	}}
	ch := chartsOf(t, r)[0]
	whiskers := slices.DeleteFunc(ch.all("line", "class"), func(class string) bool { return class != "whisker" })
	if len(whiskers) != 2*3 {
		t.Errorf("got %d lines for spreads, want three for each of the two bars with several rounds", len(whiskers))
	}
	if got, want := ch.all("rect", "class"), []string{"bar", "bar", "bar"}; !slices.Equal(got, want) {
		t.Errorf("got the bars %q, want %q: none is better than all others", got, want)
	}
	want := "a 100 (80.0 to 120); b 50.0 (40.0 to 60.0); once 10.0 (10.0 to 10.0)"
	if ch.title != "MB per second" || ch.desc != want {
		t.Errorf("got the title %q and the description %q, want %q", ch.title, ch.desc, want)
	}
	var texts []string
	for _, l := range ch.texts {
		texts = append(texts, l.text)
	}
	for _, want := range []string{"a", "b", "none", "-", "100", "MB per second (higher is better)"} {
		if !slices.Contains(texts, want) {
			t.Errorf("got the texts %q, want %q among them", texts, want)
		}
	}
}

func TestTheBestBarIsMarked(t *testing.T) {
	r := &Report{Cells: []Cell{
		{Subject: "a", Metrics: []Metric{{"cpu-s/GB", Lower, []float64{1, 1, 1, 1}}}},
		{Subject: "b", Metrics: []Metric{{"cpu-s/GB", Lower, []float64{2, 2, 2, 2}}}},
	}}
	if got, want := chartsOf(t, r)[0].all("rect", "class"), []string{"bar best", "bar"}; !slices.Equal(got, want) {
		t.Errorf("got the bars %q, want %q", got, want)
	}
}

func TestCostsAreShownBeforeRates(t *testing.T) {
	r := &Report{}
	for i, units := range [][]string{{"req/s", "p50-us", "cpu-s/100k", "user-s/100k"}, {"MB/s", "p50-us", "sys-s/GB", "cpu-s/GB"}} {
		c := Cell{Subject: fmt.Sprint(i)}
		for _, unit := range units {
			c.Metrics = append(c.Metrics, Metric{unit, Lower, []float64{1}})
		}
		r.Cells = append(r.Cells, c)
	}
	var got []string
	for _, m := range r.metrics() {
		got = append(got, m.Unit)
	}
	if want := []string{"cpu-s/100k", "user-s/100k", "sys-s/GB", "cpu-s/GB", "req/s", "MB/s", "p50-us"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUnitNames(t *testing.T) {
	for unit, want := range map[string]string{
		"cpu-s/GB": "CPU seconds per GB", "cpu-s/100k": "CPU seconds per 100,000 requests", "p99.9-us": "µs for 99.9 % of requests",
		"KiB/conn": "KiB of memory per connection", "packets/GB": "packets/GB", "errors": "errors", "pause-us": "pause-us",
	} {
		if got := unitName(unit); got != want {
			t.Errorf("%s: got %q, want %q", unit, got, want)
		}
	}
}

package bench

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func pageOf(t *testing.T, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// elements checks that the page is well-formed and returns how often each
// element is in it, and all of its text.
func elements(t *testing.T, page string) (count map[string]int, text string) {
	t.Helper()
	count = map[string]int{}
	var all strings.Builder
	d := xml.NewDecoder(strings.NewReader(page))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return count, all.String()
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			count[token.Name.Local]++
			for _, a := range token.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "src" || a.Name.Local == "href" {
					t.Errorf("<%s> has the attribute %s=%q, want none of its kind", token.Name.Local, a.Name.Local, a.Value)
				}
			}
		case xml.CharData:
			_, _ = all.Write(token)
		}
	}
}

func TestPageStandsAlone(t *testing.T) {
	page := pageOf(t, fixture())
	count, text := elements(t, page)
	for _, forbidden := range []string{"script", "link", "img", "image", "iframe", "object", "a"} {
		if count[forbidden] > 0 {
			t.Errorf("got %d <%s>, want none", count[forbidden], forbidden)
		}
	}
	if loads := regexp.MustCompile(`(?i)url\(|@import|https?://`).FindString(page); loads != "" {
		t.Errorf("got %q in the page, want nothing that is loaded", loads)
	}
	if strings.Contains(page, "%!") {
		t.Error("a format does not fit its values: the page has %!")
	}
	r := fixture()
	for _, want := range []string{
		r.Title, r.Command, r.Host.Kernel, r.Host.CPU, r.Host.Go, "cubic", "time per round", "200ms",
		"v0.3.0", r.Notes[0], r.Answer[0], "MB/s", "99.9 %", "1m37s",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestTheAnswerAndTheCostsComeFirst(t *testing.T) {
	r := fixture()
	_, page := elements(t, pageOf(t, r))
	for name, text := range map[string]string{"page": page, "table": table80(t, r, 140)} {
		places := []int{strings.Index(text, r.Answer[0]), strings.Index(text, "cpu-s/GB"), strings.LastIndex(text, r.Host.Kernel)}
		if name == "page" {
			places[1] = strings.Index(text, "CPU seconds per GB")
		} else {
			places[2] = strings.Index(text, "MB/s")
		}
		if places[0] < 0 || !slices.IsSorted(places) {
			t.Errorf("%s: got the answer, the costs and the rest at %v, want them in this order", name, places)
		}
	}
	if cpu, rate := strings.Index(page, "CPU seconds per GB"), strings.Index(page, "MB per second"); cpu > rate {
		t.Errorf("got the charts of costs at %d, those of rates at %d, want costs first", cpu, rate)
	}
}

func TestPageHasAChartForEachMetricAndGroup(t *testing.T) {
	count, _ := elements(t, pageOf(t, fixture()))
	// Eight metrics and the latency, in four groups each.
	if got, want := count["figure"], 9*4; got != want {
		t.Errorf("got %d charts, want %d", got, want)
	}
	if got, want := count["desc"], count["figure"]; got != want {
		t.Errorf("got %d descriptions, want one for each of %d charts", got, want)
	}
	if got, want := count["caption"], 5; got != want {
		t.Errorf("got %d tables with a caption, want %d", got, want)
	}
}

// Colours must come from the style sheet, or they cannot be seen in the dark.
func TestChartsHaveNoColoursOfTheirOwn(t *testing.T) {
	for _, ch := range chartsOf(t, fixture()) {
		for _, attribute := range []string{"fill", "stroke", "style", "color"} {
			if len(ch.all("*", attribute)) > 0 {
				t.Fatalf("chart %q has an attribute %s, want only classes", ch.title, attribute)
			}
		}
	}
}

func TestPageEscapesHostileNames(t *testing.T) {
	const evil = `</svg></title><script>alert("1")</script><b style="x:#00f" onload='x'>&amp;` + "\x00\xff\u202e\n"
	r := fixture()
	r.Title, r.Command, r.Kind, r.Host.CPU = evil, evil, evil, evil
	r.Answer = []string{evil}
	r.Settings, r.Versions, r.Notes = []Pair{{evil, evil}}, []Pair{{evil, evil}}, []string{evil}
	for i := range r.Cells {
		c := &r.Cells[i]
		c.Subject += evil
		c.Params[0].Name, c.Params[1].Value = evil, c.Params[1].Value+evil
		c.Metrics[0].Unit = `<script>alert("1")</script>`
	}
	count, text := elements(t, pageOf(t, r))
	if count["script"] > 0 || count["b"] > 0 {
		t.Error("a name became an element")
	}
	if got, want := count["figure"], 9*4; got != want {
		t.Errorf("got %d charts, want %d", got, want)
	}
	if !strings.Contains(text, `<script>alert("1")</script>`) {
		t.Error("the name is not shown as it is")
	}
	if strings.ContainsAny(text, "\x00\u202e") {
		t.Error("a control character reached the page")
	}
}

func TestWritersReportErrors(t *testing.T) {
	broken := errors.New("no space left")
	for name, write := range map[string]func(io.Writer, *Report) error{
		"table":   func(w io.Writer, r *Report) error { return WriteTable(w, r, 80) },
		"json":    WriteJSON,
		"gobench": WriteGoBench,
		"html":    WriteHTML,
		"comparison": func(w io.Writer, r *Report) error {
			return WriteComparison(w, Compare(r, r), 80)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, room := range []int{0, 4096} {
				if err := write(&fullWriter{room, broken}, fixture()); !errors.Is(err, broken) {
					t.Errorf("with room for %d bytes got error %v, want %v", room, err, broken)
				}
			}
		})
	}
}

// A fullWriter fails once that many bytes are in it.
type fullWriter struct {
	room int
	err  error
}

func (w *fullWriter) Write(p []byte) (int, error) {
	if len(p) > w.room {
		return w.room, w.err
	}
	w.room -= len(p)
	return len(p), nil
}

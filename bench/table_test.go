package bench

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func table80(t *testing.T, r *Report, width int) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteTable(&b, r, width); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWriteTable(t *testing.T) {
	golden(t, "table80.txt", []byte(table80(t, fixture(), 80)))
	golden(t, "table140.txt", []byte(table80(t, fixture(), 140)))
}

func TestTableFitsAndKeepsItsColumns(t *testing.T) {
	for _, width := range []int{0, 40, 60, 80, 132, 250} {
		text := table80(t, fixture(), width)
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if n := utf8.RuneCountInString(line); n > max(width, 40) {
				t.Errorf("width %d: got a line of %d columns: %s", width, n, line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("width %d: got spaces at the end of %q", width, line)
			}
		}
		for _, unit := range []string{"MB/s", "switches/GB", "p99-us", "calls/GB"} {
			if !strings.Contains(text, unit) {
				t.Errorf("width %d: got no column %s", width, unit)
			}
		}
	}
}

func TestTableOfOneSubjectHasParametersAsRows(t *testing.T) {
	r := fixture()
	r.Cells = append([]Cell{r.Cells[0]}, r.Cells[7], r.Cells[14])
	text := table80(t, r, 140)
	for _, want := range []string{"\nsluice\nparameters ", "\nsize=64KiB clients=16 ", "\nsize=100MiB clients=1 "} {
		if !strings.Contains(text, want) {
			t.Errorf("got no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "*") {
		t.Errorf("got a mark though nothing is compared:\n%s", text)
	}
}

func TestBestIsMarkedBeyondTheNoiseOnly(t *testing.T) {
	tests := []struct {
		name    string
		better  Direction
		samples [][]float64 // one subject each
		want    int         // index of the best; -1: none
	}{
		{"the higher wins", Higher, [][]float64{{1, 2, 1, 2}, {5, 6, 5, 6}, {3, 4, 3, 4}}, 1},
		{"the lower wins", Lower, [][]float64{{1, 2, 1, 2}, {5, 6, 5, 6}, {3, 4, 3, 4}}, 0},
		{"the first two overlap", Higher, [][]float64{{1, 2, 1, 2}, {5, 6, 5, 6}, {4, 5, 4, 5}}, -1},
		{"an earlier one is as good", Higher, [][]float64{{5, 6, 5, 6}, {1, 2, 1, 2}, {5, 6, 5, 6}}, -1},
		{"too few rounds", Higher, [][]float64{{1, 2}, {5, 6}}, -1},
		{"alone", Higher, [][]float64{{1, 2, 1, 2}}, -1},
		{"another one has no figure", Higher, [][]float64{nil, {1, 2, 1, 2}, {5, 6, 5, 6}}, 2},
		{"the lowest is none", Lower, [][]float64{{-9, 0, 0, 9}, {50, 60, 50, 60}}, -1},
		{"the lowest is zero", Lower, [][]float64{{0, 0, 0, 0}, {50, 60, 50, 60}}, -1},
		{"the lowest is below zero", Lower, [][]float64{{-9, -8, -9, -8}, {50, 60, 50, 60}}, -1},
		{"none has a figure", Higher, [][]float64{nil, nil}, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var g group
			for _, samples := range tt.samples {
				g.cells = append(g.cells, &Cell{Metrics: []Metric{{"x", tt.better, samples}}})
			}
			got := -1
			best := g.best(Metric{Unit: "x", Better: tt.better})
			for i, c := range g.cells {
				if c == best {
					got = i
				}
			}
			if got != tt.want {
				t.Errorf("got %d as the best, want %d", got, tt.want)
			}
		})
	}
}

func TestTextHasNoControlCharacters(t *testing.T) {
	r := fixture()
	r.Title, r.Notes[0], r.Cells[0].Subject = "a\x1b[2J", "b\rc", "d\ne\x9b"
	r.Cells[0].Params[0].Value = "f\x07"
	text := table80(t, r, 80)
	if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 }); i >= 0 {
		t.Errorf("got the control character %q", text[i])
	}
}

func TestNumber(t *testing.T) {
	tests := []struct {
		v    float64
		want string
	}{
		{0, "0"}, {0.000123, "0.000123"}, {0.0123, "0.0123"}, {0.5, "0.500"}, {1, "1.00"}, {12.34, "12.3"},
		{123.4, "123"}, {123456, "123456"}, {-12.34, "-12.3"}, {1e-12, "0.000000"},
	}
	for _, tt := range tests {
		if got := number(tt.v); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.v, got, tt.want)
		}
	}
}

func TestWrap(t *testing.T) {
	got := wrap("one two  three four-is-longer-than-a-line five", 9, "  ")
	if want := "one two\n  three\n  four-is-longer-than-a-line\n  five\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestALimitIsMarkedAndHasNoStar(t *testing.T) {
	about := func(v float64) []Metric {
		return []Metric{{Unit: "cpu-s/GB", Better: Lower, Samples: []float64{v, v * 1.01, v, v * 0.99, v}}}
	}
	r := &Report{Kind: "server", Cells: []Cell{
		{Subject: "nginx", Metrics: about(2)},
		{Subject: "h2o", Metrics: about(3)},
		{Subject: "kernel", Limit: true, Metrics: about(1)},
	}}
	var table, page strings.Builder
	if err := errors.Join(WriteTable(&table, r, 100), WriteHTML(&page, r)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"kernel (limit)", "A limit is no server"} {
		if !strings.Contains(table.String(), want) || !strings.Contains(page.String(), want) {
			t.Errorf("%q is missing in the table or the page:\n%s", want, table.String())
		}
	}
	if best := r.groups()[0].best(about(1)[0]); best == nil || best.Subject != "nginx" {
		t.Errorf("the best is %v, want nginx", best)
	}
	old := &Report{Cells: []Cell{{Subject: "kernel", Limit: true, Metrics: about(0.5)}}}
	if worse := Compare(old, r).Regressions(); len(worse) > 0 {
		t.Errorf("regressions %v of a limit, want none", worse)
	}
}

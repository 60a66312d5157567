package bench

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func TestWriteGoBench(t *testing.T) {
	r := fixture()
	r.Cells = r.Cells[:3]
	r.Cells[1].Subject = "GET http://[::1]:80/a b=%-é\n"
	r.Cells[2].Params = []Pair{{"a=b c", ""}, {"from", "x-16"}}
	var b bytes.Buffer
	if err := WriteGoBench(&b, r); err != nil {
		t.Fatal(err)
	}
	golden(t, "gobench.txt", b.Bytes())
}

// benchLine matches the lines that golang.org/design/14313-benchmark-format
// allows.
var benchLine = regexp.MustCompile(`^(?:[a-z][^A-Z\s:]*: \S.*|Unit \S+ better=(?:higher|lower)|Benchmark(?:/[^/=\s]+=[^/\s]*)+ 1(?: -?[0-9.e+-]+ \S+)+)$`)

func TestGoBenchLines(t *testing.T) {
	r := fixture()
	r.Kind = "a/b=c d-8"
	r.Host.CPU = "line\nbreak"
	for i, evil := range []string{"a b", "a/b", "a\nb", "a=b", "\xff", "-8", "", "%"} {
		r.Cells[i].Subject += evil
		r.Cells[i+8].Params[1].Value += evil
	}
	var b bytes.Buffer
	if err := WriteGoBench(&b, r); err != nil {
		t.Fatal(err)
	}
	rounds := 0
	for line := range strings.Lines(b.String()) {
		line = strings.TrimSuffix(line, "\n")
		if !benchLine.MatchString(line) {
			t.Errorf("got the line %q, want one in the format", line)
		}
		if name, _, _ := strings.Cut(line, " "); regexp.MustCompile(`-[0-9]+$`).MatchString(name) {
			t.Errorf("got the name %s, whose end is taken for GOMAXPROCS", name)
		}
		if strings.HasPrefix(line, "Benchmark") {
			rounds++
		}
	}
	if want := 6 * len(r.Cells); rounds != want {
		t.Errorf("got %d rounds, want %d", rounds, want)
	}
}

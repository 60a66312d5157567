package bench

import (
	"bufio"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// WriteGoBench writes r in the format of Go's benchmarks, for benchstat and similar
// programs: https://go.dev/design/14313-benchmark-format. Each round of a cell is
// a line with an iteration count of 1,
//
//	Benchmark/method=sendfile/size=1MiB/clients=16 1 2345.6 MB/s 0.12 cpu-s/GB
//
// Names and values that would break the line are escaped as in the path of a URL.
func WriteGoBench(w io.Writer, r *Report) error {
	if err := r.Check(); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	// benchstat makes a table for each combination of these, so they must not
	// differ from run to run.
	h := r.Host
	for _, p := range []Pair{{"goos", h.OS}, {"goarch", h.Arch}, {"cpu", h.CPU}, {"kernel", h.Kernel}} {
		if p.Value != "" {
			_, _ = fmt.Fprintf(out, "%s: %s\n", p.Name, plain(p.Value))
		}
	}
	for _, m := range r.metrics() {
		_, _ = fmt.Fprintf(out, "Unit %s better=%s\n", m.Unit, m.Better)
	}
	for i := range r.Cells {
		c := &r.Cells[i]
		name := goBenchName(r.kind(), c)
		for round := range c.rounds() {
			_, _ = fmt.Fprintf(out, "%s 1", name)
			for _, m := range c.Metrics {
				if round < len(m.Samples) {
					_, _ = fmt.Fprintf(out, " %s %s", strconv.FormatFloat(m.Samples[round], 'g', -1, 64), m.Unit)
				}
			}
			_, _ = out.WriteString("\n")
		}
	}
	return out.Flush()
}

// rounds returns the largest number of samples of a metric.
func (c *Cell) rounds() int {
	n := 0
	for _, m := range c.Metrics {
		n = max(n, len(m.Samples))
	}
	return n
}

// procs matches the end of a name that readers take for GOMAXPROCS.
var procs = regexp.MustCompile(`-([0-9]+)$`)

func goBenchName(kind string, c *Cell) string {
	name := "Benchmark"
	for _, p := range append([]Pair{{kind, c.Subject}}, c.Params...) {
		name += "/" + strings.ReplaceAll(url.PathEscape(p.Name), "=", "%3D") + "=" + url.PathEscape(p.Value)
	}
	return procs.ReplaceAllString(name, "%2D$1")
}

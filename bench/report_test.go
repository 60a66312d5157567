package bench

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	// Windows may have checked the file out with its own line ends.
	want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got), run with -update if that is right:\n%s", name, diff)
	}
}

// newRand returns a source of the same numbers in each run.
func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// noisy returns n samples of a distribution with this median and spread. They
// are rounded, because processors differ in the last digits.
func noisy(r *rand.Rand, n int, median, sigma float64) []float64 {
	samples := make([]float64, n)
	for i := range samples {
		samples[i] = rounded(median * math.Exp(sigma*r.NormFloat64()))
	}
	return samples
}

// rounded returns v in seven digits.
func rounded(v float64) float64 {
	scale := math.Pow10(7 - int(math.Ceil(math.Log10(v))))
	return math.Round(v*scale) / scale
}

// fixture returns a report with all that a report can have.
func fixture() *Report {
	rnd := newRand()
	virtual, load := true, 0.31
	r := &Report{
		Title:   MethodsTitle,
		Command: "sluice bench methods --sizes 64KiB,100MiB --clients 1,16",
		Kind:    "method",
		Begin:   time.Date(2026, 11, 21, 14, 30, 0, 0, time.UTC),
		Elapsed: 97.4,
		Host: Host{
			OS: "linux", Arch: "amd64", Kernel: "6.18.44", CPU: "Intel(R) Xeon(R) Processor", CPUs: 2, Memory: 8 << 30,
			Go: "go1.26.8", Congestion: "cubic", Virtual: &virtual, Load: &load,
		},
		Settings: []Pair{{"rounds", "6"}, {"time per round", "200ms"}, {"seed", "1"}},
		Versions: []Pair{{"sluice", "v0.3.0"}, {"kernel TLS", "absent"}},
		Answer:   []string{"Zero-copy costs less CPU time than copying: 0.40 of it at 100MiB (0.37 to 0.43).", "The machine was quiet."},
		Notes:    []string{"uring-splice: io_uring_setup: operation not permitted", "calls/GB: one sample, from a pass of its own"},
	}
	methods := []struct {
		name        string
		rate, cost  float64
		calls       []float64
		withoutTail bool
	}{
		{"sluice", 3000, 0.12, []float64{3900}, false},
		{"sendfile", 2950, 0.13, []float64{3800}, false},
		{"splice", 2400, 0.18, []float64{8100}, false},
		{"rw-8k", 900, 0.88, []float64{244200}, false},
		{"rw-256k", 2000, 0.31, []float64{7700}, false},
		{"mmap", 1500, 0.45, nil, false},
		{"tls", 700, 1.35, nil, true},
	}
	for _, size := range []string{"64KiB", "100MiB"} {
		for _, clients := range []string{"1", "16"} {
			for _, method := range methods {
				scale := 1.0
				if size == "64KiB" {
					scale = 0.4
				}
				c := Cell{
					Subject: method.name,
					Params:  []Pair{{"size", size}, {"clients", clients}},
					Metrics: []Metric{
						{"cpu-s/GB", Lower, noisy(rnd, 6, method.cost/scale, 0.06)},
						{"user-s/GB", Lower, noisy(rnd, 6, method.cost/scale/9, 0.1)},
						{"sys-s/GB", Lower, noisy(rnd, 6, method.cost/scale*0.9, 0.06)},
						{"MB/s", Higher, noisy(rnd, 6, method.rate*scale, 0.04)},
						{"switches/GB", Lower, noisy(rnd, 6, 1800, 0.2)},
						{"p50-us", Lower, noisy(rnd, 6, 8e5/method.rate, 0.05)},
						{"p99-us", Lower, noisy(rnd, 6, 3e6/method.rate, 0.15)},
						{"calls/GB", Lower, method.calls},
					},
				}
				if !method.withoutTail {
					h := hdrhistogram.New(1000, 600e9, 3)
					for range 20000 {
						_ = h.RecordValue(int64(8e8 / method.rate * math.Exp(0.4*rnd.NormFloat64())))
					}
					c.Latency = FromHistogram(h)
				}
				r.Cells = append(r.Cells, c)
			}
		}
	}
	return r
}

// scaled returns a report like r in which the samples of a metric of one
// subject are multiplied. An empty subject stands for all.
func scaled(r *Report, subject, unit string, factor float64) *Report {
	out := new(Report)
	*out = *r
	out.Cells = slices.Clone(r.Cells)
	for i := range out.Cells {
		c := &out.Cells[i]
		c.Metrics = slices.Clone(c.Metrics)
		for k := range c.Metrics {
			m := &c.Metrics[k]
			if m.Unit == unit && (subject == "" || c.Subject == subject) {
				m.Samples = slices.Clone(m.Samples)
				for j := range m.Samples {
					m.Samples[j] *= factor
				}
			}
		}
	}
	return out
}

// writers are all formats of a report.
var writers = map[string]func(*bytes.Buffer, *Report) error{
	"table":   func(b *bytes.Buffer, r *Report) error { return WriteTable(b, r, 80) },
	"json":    func(b *bytes.Buffer, r *Report) error { return WriteJSON(b, r) },
	"gobench": func(b *bytes.Buffer, r *Report) error { return WriteGoBench(b, r) },
	"html":    func(b *bytes.Buffer, r *Report) error { return WriteHTML(b, r) },
}

// oneCell returns a report of one metric.
func oneCell(samples ...float64) *Report {
	return &Report{Cells: []Cell{{Subject: "a", Metrics: []Metric{{"MB/s", Higher, samples}}}}}
}

func TestWritersRefuseInvalidReports(t *testing.T) {
	twice := oneCell(1)
	twice.Cells = append(twice.Cells, twice.Cells[0])
	reordered := &Report{Cells: []Cell{
		{Subject: "a", Params: []Pair{{"size", "1"}, {"clients", "2"}}},
		{Subject: "a", Params: []Pair{{"clients", "2"}, {"size", "1"}}},
	}}
	sameUnit := oneCell(1)
	sameUnit.Cells[0].Metrics = append(sameUnit.Cells[0].Metrics, sameUnit.Cells[0].Metrics[0])
	spaced := oneCell(1)
	spaced.Cells[0].Metrics[0].Unit = "MB / s"
	aimless := oneCell(1)
	aimless.Cells[0].Metrics[0].Better = ""
	falling := oneCell(1)
	falling.Cells[0].Latency = &Latency{Count: 2, Percentiles: []Percentile{{50, 9}, {100, 3}}}
	endless := oneCell(1)
	endless.Cells[0].Latency = &Latency{Count: 2, Percentiles: []Percentile{{100, math.Inf(1)}}}

	tests := []struct {
		name string
		r    *Report
		want string
	}{
		{"a sample that is not a number", oneCell(1, math.NaN()), "round 2 is NaN"},
		{"an infinite sample", oneCell(math.Inf(1)), "round 1 is +Inf"},
		{"a sample that arithmetic cannot take", oneCell(1e300), "round 1 is 1e+300"},
		{"a cell twice", twice, `"a" is there twice`},
		{"a cell twice with its parameters in another order", reordered, "is there twice"},
		{"a unit twice", sameUnit, "MB/s is there twice"},
		{"a unit with spaces", spaced, "a word without spaces"},
		{"no direction", aimless, "better is"},
		{"percentiles that fall", falling, "must rise"},
		{"an infinite latency", endless, "must rise"},
	}
	for _, tt := range tests {
		for name, write := range writers {
			t.Run(tt.name+" in "+name, func(t *testing.T) {
				var b bytes.Buffer
				err := write(&b, tt.r)
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got error %v, want one with %q", err, tt.want)
				}
				if b.Len() > 0 {
					t.Errorf("wrote %d bytes of a report that is refused, want none", b.Len())
				}
			})
		}
	}
}

func TestWritersTakeSmallReports(t *testing.T) {
	zero := oneCell(0, 0, 0)
	zero.Cells[0].Metrics = append(zero.Cells[0].Metrics, Metric{"errors", Lower, []float64{-1, 0, 2}})
	tests := []struct {
		name string
		r    *Report
	}{
		{"an empty report", &Report{}},
		{"a cell without metrics", &Report{Cells: []Cell{{Subject: "a"}}}},
		{"a metric without samples", oneCell()},
		{"one round", oneCell(5)},
		{"two rounds", oneCell(5, 6)},
		{"figures of zero and less", zero},
		{"a latency of one request", &Report{Cells: []Cell{{Subject: "a", Latency: &Latency{Count: 1, Percentiles: []Percentile{{0, 0}, {100, 0}}}}}}},
		{"the largest figures", oneCell(1e15, -1e15, 1e15)},
		{"the smallest figures", oneCell(math.SmallestNonzeroFloat64, math.SmallestNonzeroFloat64)},
	}
	for _, tt := range tests {
		for name, write := range writers {
			t.Run(tt.name+" in "+name, func(t *testing.T) {
				if err := write(new(bytes.Buffer), tt.r); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestHostIsKnown(t *testing.T) {
	h := ThisHost()
	if h.CPUs < 1 || h.OS == "" || h.Arch == "" || h.Go == "" {
		t.Errorf("got %+v, want system, architecture, Go version and CPUs", h)
	}
	if h.OS == "linux" && (h.Kernel == "" || h.Memory == 0 || h.Load == nil || *h.Load < 0) {
		t.Errorf("got %+v, want kernel, memory and load on Linux", h)
	}
}

func TestHostLeavesOutUnknownFacts(t *testing.T) {
	h := Host{OS: "plan9", Arch: "386", CPUs: 1, Go: "go1.26.8"}
	if got, want := h.String(), "system plan9/386, CPUs 1, Go go1.26.8"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(text), `{"os":"plan9","arch":"386","cpus":1,"go":"go1.26.8"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

package methods

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/bench"
	"sluice/bench/proc"
	"sluice/internal/nettest"
)

// role is the argument that makes the test binary a server of the methods. A folder
// may follow, by which a test finds the process.
const role = "method-server"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == role {
		allMethods = append(allMethods, broken)
		if err := Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// broken sends the right number of bytes from the wrong place.
var broken = method{name: "broken", about: "sends other bytes", usable: always, open: func(conn net.Conn) (sender, error) {
	l, err := openReadWrite(8 << 10)(conn)
	send := l.send
	l.send = func(f *os.File, _, n int64) error {
		if err := send(f, 1, n-1); err != nil {
			return err
		}
		return send(f, 0, 1)
	}
	return l, err
}}

// withMethod adds a method for the time of a test.
func withMethod(t *testing.T, m method) {
	t.Helper()
	before := allMethods
	allMethods = append(slices.Clip(allMethods), m)
	t.Cleanup(func() { allMethods = before })
}

// tiny returns a run of a second or less.
func tiny(t *testing.T) Config {
	t.Helper()
	dir := nettest.TempDir(t)
	return Config{
		Methods: []string{"sluice", "rw-8k"}, Sizes: []int64{100_000}, Clients: []int{2},
		Rounds: 1, Time: 100 * time.Millisecond, Dir: dir, Seed: 1,
		Self: []string{os.Args[0], role, dir},
	}
}

// nothingLeft fails the test if files or processes of a run are left.
func nothingLeft(t *testing.T, c Config) {
	t.Helper()
	if left, err := os.ReadDir(c.Dir); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range commands {
		if command, err := os.ReadFile(name); err == nil && bytes.Contains(command, []byte(c.Dir)) {
			t.Errorf("%s is left: %q", name, command)
		}
	}
}

func TestRunMeasuresAndLeavesNothing(t *testing.T) {
	nettest.CheckLeaks(t)
	c := tiny(t)
	cpus, procs := proc.CPUs(), runtime.GOMAXPROCS(0)
	var steps []Progress
	r, err := Run(t.Context(), c, func(p Progress) { steps = append(steps, p) })
	if err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, c)
	if !slices.Equal(proc.CPUs(), cpus) || runtime.GOMAXPROCS(0) != procs {
		t.Errorf("left on processors %v and %d of them, want %v and %d", proc.CPUs(), runtime.GOMAXPROCS(0), cpus, procs)
	}
	if last := steps[len(steps)-1]; last.Done != last.Of-1 || last.Of != 2*3 {
		t.Errorf("the last step was %+v", last)
	}

	want := []string{"MB/s", "p50-us", "p99-us"}
	if processUsage().Known {
		want = append(want, "cpu-s/GB", "user-s/GB", "sys-s/GB", "switches/GB")
	}
	if _, err := exec.LookPath("strace"); err == nil && runtime.GOOS == "linux" {
		want = append(want, "calls/GB")
	}
	var subjects []string
	for _, c := range r.Cells {
		subjects = append(subjects, c.Subject)
		var got []string
		for _, m := range c.Metrics {
			got = append(got, m.Unit)
			if len(m.Samples) != 1 || m.Samples[0] < 0 || m.Samples[0] == 0 && m.Unit != "user-s/GB" && m.Unit != "sys-s/GB" {
				t.Errorf("%s: %s = %v, want one sample, above 0", c.Subject, m.Unit, m.Samples)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) && !noted(r, "calls/GB: none were counted") { // ptrace may be forbidden
			t.Errorf("%s: metrics %q, want %q", c.Subject, got, want)
		}
		if c.Latency == nil || c.Latency.Count == 0 {
			t.Errorf("%s has no latencies", c.Subject)
		}
	}
	if want := []string{"sluice", "rw-8k"}; !slices.Equal(subjects, want) {
		t.Errorf("subjects %q, want %q", subjects, want)
	}

	var file bytes.Buffer
	if err := bench.WriteJSON(&file, r); err != nil {
		t.Fatal(err)
	}
	back, err := bench.ReadJSON(&file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Cells, back.Cells); diff != "" {
		t.Errorf("cells after a round trip (-want +got):\n%s", diff)
	}
}

// noted reports whether a note of r contains text.
func noted(r *bench.Report, text string) bool {
	return slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, text) })
}

func TestRunMeasuresCold(t *testing.T) {
	nettest.CheckLeaks(t)
	c := tiny(t)
	c.Methods, c.Clients, c.Cold = []string{"sluice"}, []int{1, 2}, true
	r, err := Run(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, c)
	var caches []string
	for _, cell := range r.Cells {
		caches = append(caches, cell.Params[1].Value+" "+cell.Params[2].Value)
	}
	want := []string{"1 hot", "2 hot", "1 cold"}
	if err := canDrop(nettest.TempDir(t)); err != nil {
		want = want[:2]
		if !noted(r, err.Error()) {
			t.Errorf("notes %q, want one why nothing is cold", r.Notes)
		}
	}
	if !slices.Equal(caches, want) {
		t.Errorf("clients and caches %q, want %q", caches, want)
	}
}

func TestRoundsGoOnUntilTheFiguresArePreciseOrTheBudgetIsSpent(t *testing.T) {
	rounds := func(t *testing.T, c Config) int {
		c.Rounds, c.Time = 0, shortestWindow
		r, err := Run(t.Context(), c, nil)
		if err != nil {
			t.Fatal(err)
		}
		nothingLeft(t, c)
		if noisy := strings.Contains(strings.Join(r.Answer, " "), "too noisy"); noisy != (c.Precision < 1) {
			t.Errorf("got the answer %q, want it to say whether the machine was too noisy", r.Answer)
		}
		return len(r.Cells[0].Metrics[0].Samples)
	}
	t.Run("precise", func(t *testing.T) {
		c := tiny(t)
		c.Precision = 1e6
		if got := rounds(t, c); got != defaultRounds {
			t.Errorf("got %d rounds, want %d", got, defaultRounds)
		}
	})
	t.Run("never precise", func(t *testing.T) {
		c := tiny(t)
		c.Precision, c.Budget = 1e-9, 3*time.Second
		began := time.Now()
		if got := rounds(t, c); got < 1 {
			t.Errorf("got %d rounds", got)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("the run took %v, with a budget of %v", took, c.Budget)
		}
	})
}

func TestACancelledRunLeavesNothing(t *testing.T) {
	for _, when := range []string{"make files", "verify", "count system calls", "measure"} {
		t.Run(when, func(t *testing.T) {
			nettest.CheckLeaks(t)
			c := tiny(t)
			c.Time = time.Minute // only the end of the context ends it
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, err := Run(ctx, c, func(p Progress) {
				if strings.HasPrefix(p.Now, when) {
					cancel()
				}
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error = %v, want %v", err, context.Canceled)
			}
			nothingLeft(t, c)
		})
	}
}

func TestABrokenMethodIsNotMeasured(t *testing.T) {
	nettest.CheckLeaks(t)
	withMethod(t, broken)
	c := tiny(t)
	c.Methods = []string{"broken"}
	_, err := Run(t.Context(), c, nil)
	if err == nil || !strings.Contains(err.Error(), "verify broken") {
		t.Errorf("error = %v, want one of the comparison", err)
	}
	nothingLeft(t, c)
}

func TestAServerThatDoesNotStartIsExplained(t *testing.T) {
	nettest.CheckLeaks(t)
	c := tiny(t)
	c.Self = []string{os.Args[0], "-no-such-flag"}
	_, err := Run(t.Context(), c, nil)
	if err == nil || !strings.Contains(err.Error(), "no-such-flag") {
		t.Errorf("error = %v, want what the program has printed", err)
	}
	nothingLeft(t, c)
}

func TestMethodsThatTheMachineLacks(t *testing.T) {
	closed := method{name: "closed", about: "is closed", usable: func() error { return errors.New("under water") }}
	withMethod(t, closed)
	all := Config{}
	methods, notes, err := all.usable()
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(methods, func(m method) bool { return m.name == "closed" }) {
		t.Error("got a method that the machine lacks")
	}
	if want := "closed was left out: under water"; !slices.Contains(notes, want) {
		t.Errorf("notes %q, want %q", notes, want)
	}
	named := Config{Methods: []string{"closed"}}
	if _, _, err := named.usable(); err == nil || !strings.Contains(err.Error(), "under water") {
		t.Errorf("error = %v for a method that was asked for, want the reason", err)
	}
}

func TestInvalidConfigsAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"no server":                     func(c *Config) { c.Self = nil },
		"an unknown method":             func(c *Config) { c.Methods = []string{"teleport"} },
		"no method":                     func(c *Config) { c.Methods = []string{} },
		"an empty file":                 func(c *Config) { c.Sizes = []int64{0} },
		"no size":                       func(c *Config) { c.Sizes = []int64{} },
		"no client":                     func(c *Config) { c.Clients = []int{1, 0} },
		"more clients than descriptors": func(c *Config) { c.Clients = []int{math.MaxInt32} },
		"a negative time":               func(c *Config) { c.Time = -1 },
		"a negative number of rounds":   func(c *Config) { c.Rounds = -1 },
		"no such folder":                func(c *Config) { c.Dir = filepath.Join(c.Dir, "none") },
	} {
		t.Run(name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			c := tiny(t)
			dir := c.Dir
			spoil(&c)
			if _, err := Run(t.Context(), c, nil); err == nil {
				t.Error("no error")
			}
			c.Dir = dir
			nothingLeft(t, c)
		})
	}
}

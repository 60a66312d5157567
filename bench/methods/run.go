package methods

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"sluice/bench"
	"sluice/bench/load"
	"sluice/bench/proc"
)

// Progress is how far a run is.
type Progress struct {
	Now      string // what is measured or prepared
	Done, Of int    // steps; Of grows if cells need further rounds
}

// Run measures methods and blocks until that is done or ctx ends, which is an
// error. The server runs in a process of its own and the clients in this one.
// Where the system supports it, this whole process is kept on the processors of
// the clients meanwhile; so only one Run at a time is possible. It leaves no
// file and no process behind.
//
// Progress, if not nil, is called before each step.
func Run(ctx context.Context, c Config, progress func(Progress)) (_ *bench.Report, err error) {
	if err := c.resolve(); err != nil {
		return nil, err
	}
	methods, notes, err := c.usable()
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	r := &run{Config: c, progress: Progress{Now: "make files"}, showProgress: progress}
	r.report = &bench.Report{
		Format: bench.Format, Title: bench.MethodsTitle, Kind: "method",
		Begin: time.Now(), Host: bench.ThisHost(), Notes: notes,
	}
	parent, notCold := chooseDir(c.Dir)
	if c.Cold && notCold != nil {
		r.note("nothing was measured cold: %v", notCold)
	}
	caches := []cache{hot}
	if c.Cold && notCold == nil {
		caches = append(caches, cold)
		r.note("cold: the server drops the file from the page cache before each request; cpu-s/GB is without the processor time of that, latencies are with it")
	}
	r.cells = cells(methods, &r.Config, caches...)
	for _, c := range r.cells {
		c.wanted = cmp.Or(r.Rounds, defaultRounds)
	}
	r.progress.Of = len(r.cells)*passes + r.missing()
	r.showProgress(r.progress)

	if r.store, err = newStore(ctx, parent, c.Sizes, len(caches) > 1); r.store != nil {
		defer func() { err = errors.Join(err, r.store.remove()) }()
	}
	if err != nil {
		return nil, err
	}
	unpin, err := r.pin()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unpin()) }()
	r.child, err = startChild(c.Self, r.serverCPUs, setup{Hot: r.store.hot, Cold: r.store.cold})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.child.stop()) }()

	for _, pass := range []func(context.Context) error{r.verify, r.count, r.measure} {
		if err := pass(ctx); err != nil {
			return nil, err
		}
	}
	return r.finish(), nil
}

// A run is the state of Run.
type run struct {
	Config
	report       *bench.Report
	progress     Progress
	showProgress func(Progress)

	cells      []*cell
	store      *store
	child      *child
	serverCPUs []int // nil: any

	windows []time.Duration // how long each cell was measured, by round
}

func (r *run) note(format string, args ...any) {
	r.report.Notes = append(r.report.Notes, fmt.Sprintf(format, args...))
}

// passes is how often all cells are visited before the rounds: to verify, and to
// count system calls.
const passes = 2

func (r *run) step(what string, c *cell) {
	r.progress.Now = what + " " + c.String()
	r.showProgress(r.progress)
	r.progress.Done++
}

// pin keeps this process off the first processor, on which the server runs.
func (r *run) pin() (undo func() error, err error) {
	undo = func() error { return nil }
	if len(r.CPUs) < 2 {
		r.note("server and clients share the one processor: MB/s is the rate of both together")
		return undo, nil
	}
	before, procs := proc.CPUs(), runtime.GOMAXPROCS(0)
	switch err := proc.Pin(r.CPUs[1:]); {
	case errors.Is(err, errors.ErrUnsupported):
		r.note("server and clients run on any processor: %v", err)
		return undo, nil
	case err != nil:
		return undo, err
	}
	r.serverCPUs = r.CPUs[:1]
	return func() error {
		err := proc.Pin(before)
		runtime.GOMAXPROCS(procs)
		return err
	}, nil
}

// verify compares a response of each cell with the file. It fetches large files
// with fewer clients at once, and skips cells that are the same then.
func (r *run) verify(ctx context.Context) error {
	seen := make(map[string]bool)
	for _, c := range r.cells {
		r.step("verify", c)
		clients := min(c.clients, atLeastOne(16<<20/c.size))
		url := r.child.url(c)
		same := fmt.Sprint(clients, url)
		if seen[same] {
			continue
		}
		seen[same] = true
		fetcher := newFetcher(clients)
		_, err := fetcher.fetch(ctx, url, 1, checkSum(r.store.sums[sizeName(c.size)]))
		fetcher.close()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return fmt.Errorf("verify %s: %w", c, err)
		}
	}
	return nil
}

// count counts the system calls of each hot cell with the first number of
// clients: with more clients they are the same.
func (r *run) count(ctx context.Context) error {
	began := time.Now()
	for _, c := range r.cells {
		r.step("count system calls of", c)
		if c.cache == cold || c.clients != r.Clients[0] || time.Since(began) > countBudget {
			continue
		}
		calls, bytes, err := r.countCell(ctx, c)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			r.note("calls/GB: none were counted: %v", err)
			return nil
		}
		c.calls = []float64{float64(calls) * 1e9 / float64(bytes)}
	}
	r.note("calls/GB: counted once, by strace, which slows the server down; operations that io_uring does without a system call are not counted")
	return nil
}

func (r *run) countCell(ctx context.Context, c *cell) (calls, bytes int64, err error) {
	const enough = 4 << 20
	fetcher := newFetcher(min(c.clients, atLeastOne(enough/c.size)))
	defer fetcher.close()
	url := r.child.url(c)
	if _, err := fetcher.fetch(ctx, url, 1, discard); err != nil { // connect before counting
		return 0, 0, err
	}
	var fetchErr error
	calls, err = proc.Syscalls(ctx, r.child.process.PID(), func() {
		bytes, fetchErr = fetcher.fetch(ctx, url, atLeastOne(enough/(c.size*int64(len(fetcher)))), discard)
	})
	return calls, bytes, errors.Join(err, fetchErr)
}

// measure runs the rounds. Each visits the cells in another order, so that other
// work of the machine adds to the spread of all cells alike.
func (r *run) measure(ctx context.Context) error {
	random := rand.New(rand.NewPCG(r.Seed, 0))
	r.progress.Done = passes * len(r.cells)
	var overhead time.Duration // of the last round, for each cell
	for round := 0; ; round++ {
		due := r.due()
		if len(due) == 0 {
			return nil
		}
		r.progress.Of = r.progress.Done + r.missing()
		left := r.Budget - time.Since(r.report.Begin)
		window := r.Time
		switch planned := cmp.Or(r.Rounds, defaultRounds); {
		case window > 0:
		case round < planned:
			window = fittingWindow(left/time.Duration((planned-round)*len(due)) - overhead)
		default:
			window = r.windows[0]
		}
		if needed := (window + warmup(window) + overhead) * time.Duration(len(due)); round > 0 && needed > left && !r.isFixed() {
			if round < defaultRounds {
				r.note("this machine is too busy for more than %d rounds in %v", round, r.Budget)
			}
			return nil
		}
		r.windows = append(r.windows, window)
		began := time.Now()
		random.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
		for _, c := range due {
			r.step("measure", c)
			if err := r.measureCell(ctx, c, window); err != nil {
				return fmt.Errorf("measure %s: %w", c, err)
			}
		}
		overhead = time.Since(began)/time.Duration(len(due)) - window - warmup(window)
	}
}

// isFixed says whether the caller has set the time, so that no budget bounds it.
func (r *run) isFixed() bool { return r.Rounds > 0 && r.Time > 0 }

// due returns the cells that need a further round. When all have the rounds that
// they were to have, those that are not precise enough get more, at most as many
// again as they have: their spread so far is an estimate.
func (r *run) due() []*cell {
	var due []*cell
	for _, c := range r.cells {
		if c.rounds < c.wanted {
			due = append(due, c)
		}
	}
	if len(due) > 0 || r.Rounds > 0 {
		return due
	}
	for _, c := range r.cells {
		measured := bench.Cell{Metrics: c.metrics}
		c.wanted = min(measured.RoundsFor(r.Precision), 2*c.rounds)
		if c.rounds < c.wanted {
			due = append(due, c)
		}
	}
	return due
}

// missing returns how many measurements of single cells are to come.
func (r *run) missing() int {
	sum := 0
	for _, c := range r.cells {
		sum += max(c.wanted-c.rounds, 0)
	}
	return sum
}

// fittingWindow returns how long to measure a cell that has so much time, with
// the warm-up, for a round.
func fittingWindow(available time.Duration) time.Duration {
	return min(max(available-available/6, shortestWindow), longestWindow)
}

// warmup is how long requests go on before a measurement, until the rates of
// the connections are steady.
func warmup(window time.Duration) time.Duration { return window / 5 }

// measureCell measures a cell for this time, or longer if no byte came in it.
func (r *run) measureCell(ctx context.Context, c *cell, window time.Duration) error {
	var begin, end usage
	var errBegin, errEnd error
	res, err := load.Run(ctx, load.Job{
		Kind: load.Download, URLs: []string{r.child.url(c)}, Clients: c.clients,
		Warmup: warmup(window), Duration: window, InsecureTLS: true,
		Begin: func() { begin, errBegin = r.child.usage() },
		End:   func() { end, errEnd = r.child.usage() },
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := errors.Join(err, errBegin, errEnd); err != nil {
		return err
	}
	for kind, n := range res.Errors {
		return fmt.Errorf("%d requests failed: %s", n, kind)
	}
	if res.Bytes == 0 {
		if window > serverTimeout {
			return fmt.Errorf("no byte came in %v", window)
		}
		return r.measureCell(ctx, c, 2*window)
	}
	c.add(res, end.sub(begin))
	return nil
}

func (r *run) finish() *bench.Report {
	for _, c := range r.cells {
		r.report.Cells = append(r.report.Cells, c.report())
	}
	pinned := "none"
	if r.serverCPUs != nil {
		pinned = fmt.Sprintf("server %v, clients %v", r.serverCPUs, r.CPUs[1:])
	}
	rounds := fmt.Sprint(r.Rounds)
	if r.Rounds == 0 {
		rounds = fmt.Sprintf("%d or more, until ± is within %g %% or %v have passed", defaultRounds, 100*r.Precision, r.Budget)
	}
	r.report.Settings = []bench.Pair{
		{Name: "rounds", Value: rounds},
		{Name: "processors", Value: pinned},
		{Name: "files in", Value: filepath.Dir(r.store.dir)},
	}
	for _, m := range allMethods {
		if slices.ContainsFunc(r.cells, func(c *cell) bool { return c.method.name == m.name }) {
			r.note("%s: %s", m.name, m.about)
		}
	}
	// These are no settings, because they differ from run to run.
	r.note("cells were measured in %s rounds of %s; the seed %d gave the order", r.roundsRange(), spanOf(r.windows), r.Seed)
	r.note("user-s/GB, sys-s/GB: the median of cpu-s/GB, in the proportion of the kernel's ticks in all rounds together")
	r.report.Elapsed = time.Since(r.report.Begin).Seconds()
	r.report.Answer = answer(r.report)
	if noise := bench.NoiseNote(r.report, r.Precision, "give it more time with --budget, or --rounds and --time"); noise != "" {
		r.report.Answer = append(r.report.Answer, noise)
	}
	return r.report
}

// roundsRange returns the fewest and the most rounds of a cell.
func (r *run) roundsRange() string {
	fewest, most := r.cells[0].rounds, r.cells[0].rounds
	for _, c := range r.cells {
		fewest, most = min(fewest, c.rounds), max(most, c.rounds)
	}
	if fewest == most {
		return fmt.Sprint(fewest)
	}
	return fmt.Sprintf("%d to %d", fewest, most)
}

func atLeastOne(n int64) int { return int(max(n, 1)) }

// spanOf returns the shortest and the longest of times.
func spanOf(times []time.Duration) string {
	shortest := slices.Min(times).Round(time.Millisecond)
	longest := slices.Max(times).Round(time.Millisecond)
	if shortest == longest {
		return shortest.String()
	}
	return fmt.Sprintf("%v to %v", shortest, longest)
}

package methods

import (
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

// Progress is how far a run has come.
type Progress struct {
	Now      string // what is measured, or prepared
	Done, Of int    // steps
}

// Run measures methods and blocks until that is done or ctx ends, which is an
// error. The server runs in a process of its own and the clients in this one,
// which meanwhile is kept on their processors, all of it, where the system can
// do that. Run must be the only one of its process. It leaves no file and no
// process behind.
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
	r := &run{Config: c, progress: Progress{Now: "make files"}, tell: progress}
	r.report = &bench.Report{
		Format: bench.Format, Title: bench.MethodsTitle, Kind: "method",
		Begin: time.Now(), Host: bench.ThisHost(), Notes: notes,
	}
	parent, notCold := place(c.Dir)
	if c.Cold && notCold != nil {
		r.note("nothing was measured cold: %v", notCold)
	}
	caches := []cache{hot}
	if c.Cold && notCold == nil {
		caches = append(caches, cold)
		r.note("cold: the server drops the file from the page cache before each request; the processor time of that is taken off, its time in the latency is not")
	}
	r.cells = cells(methods, &r.Config, caches...)
	r.progress.Of = len(r.cells) * (passes + r.Rounds)
	r.tell(r.progress)

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
	r.child, err = startChild(c.Self, r.serverCPUs, orders{Hot: r.store.hot, Cold: r.store.cold})
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

// A run is what goes on in Run.
type run struct {
	Config
	report   *bench.Report
	progress Progress
	tell     func(Progress)

	cells      []*cell
	store      *store
	child      *child
	serverCPUs []int // nil: any

	windows []time.Duration // of each cell, by round
}

func (r *run) note(format string, args ...any) {
	r.report.Notes = append(r.report.Notes, fmt.Sprintf(format, args...))
}

// passes visit all cells before the rounds do.
const passes = 2

func (r *run) step(what string, c *cell) {
	r.progress.Now = what + " " + c.String()
	r.tell(r.progress)
	r.progress.Done++
}

// pin keeps this process off the first processor, which is the server's.
func (r *run) pin() (undo func() error, err error) {
	undo = func() error { return nil }
	if len(r.CPUs) < 2 {
		r.note("server and clients share the one processor: throughput is what both do together")
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

// verify asks once for what each cell sends, and compares it with the file.
// Large files are asked for by fewer clients at once, and only once if that
// makes two cells alike.
func (r *run) verify(ctx context.Context) error {
	seen := make(map[string]bool)
	for _, c := range r.cells {
		r.step("verify", c)
		clients := min(c.clients, atLeastOne(16<<20/c.size))
		url := r.child.url(c)
		alike := fmt.Sprint(clients, url)
		if seen[alike] {
			continue
		}
		seen[alike] = true
		fetcher := newFetcher(clients)
		_, err := fetcher.fetch(ctx, url, 1, compare(r.store.sums[sizeName(c.size)]))
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
// clients: with more it is the same.
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
	r.note("calls/GB: counted once, by strace, which slows the server down; what io_uring does of its own accord is no system call")
	return nil
}

func (r *run) countCell(ctx context.Context, c *cell) (calls, bytes int64, err error) {
	const enough = 4 << 20
	fetcher := newFetcher(min(c.clients, atLeastOne(enough/c.size)))
	defer fetcher.close()
	url := r.child.url(c)
	if _, err := fetcher.fetch(ctx, url, 1, drop); err != nil { // to connect is not counted
		return 0, 0, err
	}
	var fetchErr error
	calls, err = proc.Syscalls(ctx, r.child.process.PID(), func() {
		bytes, fetchErr = fetcher.fetch(ctx, url, atLeastOne(enough/(c.size*int64(len(fetcher)))), drop)
	})
	return calls, bytes, errors.Join(err, fetchErr)
}

// measure runs the rounds. Each visits all cells, in another order, so that
// what else the machine does lands in the spread of all of them. Without a
// Config.Time they keep to the budget: each has windows as long as the one
// before lets hope for, and those that do not fit are left out.
func (r *run) measure(ctx context.Context) error {
	random := rand.New(rand.NewPCG(r.Seed, 0))
	order := slices.Clone(r.cells)
	r.progress.Done = passes * len(r.cells)
	var besides, last time.Duration // what a round took but for its windows, and in all
	for round := range r.Rounds {
		left := budget - time.Since(r.report.Begin)
		if r.Time == 0 && round > 0 && last > left {
			r.note("this machine is too busy for more than %d rounds in %v", round, budget)
			break
		}
		window := r.Time
		if window == 0 {
			window = fittingWindow(left/time.Duration(r.Rounds-round)-besides, len(order))
		}
		r.windows = append(r.windows, window)
		began := time.Now()
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, c := range order {
			r.step("measure", c)
			if err := r.measureCell(ctx, c, window); err != nil {
				return fmt.Errorf("measure %s: %w", c, err)
			}
		}
		last = time.Since(began)
		besides = last - (window+warmup(window))*time.Duration(len(order))
	}
	return nil
}

// fittingWindow is the window with which so many of them, with their warm-ups,
// take the time there is.
func fittingWindow(there time.Duration, cells int) time.Duration {
	each := there / time.Duration(cells)
	return min(max(each-each/6, shortestWindow), longestWindow)
}

// warmup is how long requests go on before a window, in which connections find
// their pace.
func warmup(window time.Duration) time.Duration { return window / 5 }

// measureCell measures one window, or, if nothing moves in it, a longer one.
func (r *run) measureCell(ctx context.Context, c *cell, window time.Duration) error {
	var begin, end account
	var errBegin, errEnd error
	res, err := load.Run(ctx, load.Job{
		Kind: load.Download, URLs: []string{r.child.url(c)}, Clients: c.clients,
		Warmup: warmup(window), Duration: window, InsecureTLS: true,
		Begin: func() { begin, errBegin = r.child.account() },
		End:   func() { end, errEnd = r.child.account() },
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
		if window > patience {
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
	r.report.Settings = []bench.Pair{
		{Name: "rounds", Value: fmt.Sprint(len(r.windows))},
		{Name: "processors", Value: pinned},
		{Name: "files in", Value: filepath.Dir(r.store.dir)},
	}
	for _, method := range table {
		if slices.ContainsFunc(r.cells, func(c *cell) bool { return c.method.name == method.name }) {
			r.note("%s: %s", method.name, method.about)
		}
	}
	// No settings, which would be another in each run.
	r.note("a cell was measured for %s in a round; the order of the cells came from the seed %d", spanOf(r.windows), r.Seed)
	r.note("user-s/GB, sys-s/GB: the median of cpu-s/GB, split by what the kernel's ticks have met in all rounds together")
	r.report.Elapsed = time.Since(r.report.Begin).Seconds()
	return r.report
}

func atLeastOne(n int64) int { return int(max(n, 1)) }

// spanOf says from where to where some times reach.
func spanOf(times []time.Duration) string {
	shortest := slices.Min(times).Round(time.Millisecond)
	longest := slices.Max(times).Round(time.Millisecond)
	if shortest == longest {
		return shortest.String()
	}
	return fmt.Sprintf("%v to %v", shortest, longest)
}

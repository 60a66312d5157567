package servers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/bench"
	"sluice/bench/load"
	"sluice/bench/peers"
	"sluice/bench/proc"
)

// A Config says what to compare.
type Config struct {
	Peers     []peers.Peer
	Workloads []Workload // each for the peers of its scheme

	// Rounds is how often each server gets each workload. Zero: nine times, and
	// more often where Precision is not reached, until Budget is spent.
	Rounds    int
	Precision float64       // wanted ± of processor time and rate, as a part of the median; zero: 0.1
	Budget    time.Duration // after which no tenth or further round begins; zero: 20 minutes

	// Cores is the number of processors, and of workers, of each server; the
	// client gets the others, or shares them if there are none. Zero: one. A
	// system that cannot keep a process on some processors refuses all but zero.
	Cores int

	// StoreProgram is the path of the object store for the scheme store. "": see peers.StartStore.
	StoreProgram string

	AccessLog bool // all servers write an access log into the temporary folder

	Time   time.Duration // of each measurement; zero: half a second
	Warmup time.Duration // before it; zero: a quarter of Time

	// Dir is where the files to serve are made and removed. "": the system's
	// folder for temporary files.
	Dir string

	// Self is the command that starts this program, for the peers that it
	// implements. Its first element is the executable.
	Self []string

	// Progress, if not nil, is called before each measurement.
	Progress func(Step)
}

// A Step is the next measurement.
type Step struct {
	Done, Total int // Total grows if cells need further rounds
	What        string
}

// pilotRounds is the fewest rounds for which ± holds the median of a second run
// with a chance of 95 %.
const pilotRounds = 9

func (c Config) precision() float64    { return cmp.Or(c.Precision, 0.1) }
func (c Config) budget() time.Duration { return cmp.Or(c.Budget, 20*time.Minute) }
func (c Config) cores() int            { return cmp.Or(c.Cores, 1) }
func (c Config) time() time.Duration   { return cmp.Or(c.Time, time.Second/2) }
func (c Config) warmup() time.Duration { return cmp.Or(c.Warmup, c.time()/4) }

// Check returns an error that Compare would return on any machine, or nil.
func (c Config) Check() error {
	switch {
	case len(c.Workloads) == 0:
		return errors.New("no workload to compare by")
	case c.Rounds < 0 || c.Time < 0:
		return fmt.Errorf("rounds %d and time %v must not be negative", c.Rounds, c.Time)
	case c.Precision < 0 || c.Budget < 0:
		return fmt.Errorf("precision %v and budget %v must not be negative", c.Precision, c.Budget)
	}
	if most := len(proc.CPUs()); c.Cores < 0 || c.Cores > most {
		return fmt.Errorf("servers on %d processors: want 1 to %d, as many as this process may use", c.Cores, most)
	}
	_, err := withRates(c.Workloads)
	return err
}

// Compare measures the peers that are installed, and names the others in the
// notes of the report. It blocks until all is measured or ctx ends; then it has
// stopped all servers and removed the files. If it returns an error with a
// report, the report is not complete.
func Compare(ctx context.Context, c Config) (*bench.Report, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	c.Workloads, _ = withRates(c.Workloads) // Check has found no error
	root, err := os.MkdirTemp(c.Dir, "sluice-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(root)
	m := &comparison{Config: c, begin: time.Now(), files: filepath.Join(root, "files")}
	if err := os.Mkdir(m.files, 0o755); err != nil {
		return nil, err
	}
	if err := os.Chmod(root, 0o755); err != nil { // servers may change their user
		return nil, err
	}
	inStore := func(w Workload) bool { return w.Scheme == storeScheme }
	if err := makeFiles(m.files, slices.DeleteFunc(slices.Clone(c.Workloads), inStore)); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(c.Workloads, func(w Workload) bool { return w.Before > 0 }) {
		proc.RaiseFileLimit() // before the servers start, which inherit it
	}

	cpus, err := m.placeClient()
	if err != nil {
		return nil, err
	}
	defer m.stop()
	if slices.ContainsFunc(c.Workloads, inStore) {
		if err := m.startStore(ctx, filepath.Join(root, "store")); err != nil {
			return nil, err
		}
	}
	if err := m.start(ctx, root, cpus); err != nil {
		return nil, err
	}
	if err = m.run(ctx); err == nil && m.store != nil {
		err = m.countStoreRequests(ctx)
	}
	return m.report(), err
}

// A comparison is the state of Compare.
type comparison struct {
	Config
	begin   time.Time
	files   string
	store   *peers.Store // nil: no workload needs one
	running []*running
	cells   [][]*cell // of each workload, one for each server
	notes   []string
	placed  string       // on which processors servers and client run
	rates   []bench.Pair // of the workloads at a fixed rate, in words; nil until they are known
}

// running is a peer that has been started.
type running struct {
	peer    peers.Peer
	version string
	setup   peers.Setup
	server  *peers.Server
}

// placeClient keeps this process off the processors of the servers, if there are
// others, and returns those of the servers; nil are all that this process has.
func (m *comparison) placeClient() (servers []int, err error) {
	cpus := proc.CPUs()
	n := min(m.cores(), len(cpus))
	if n == len(cpus) {
		m.placed = fmt.Sprintf("server and client share %s", listed(cpus))
		return nil, nil
	}
	if err := proc.Pin(cpus[n:]); err != nil {
		if m.Cores > 0 {
			return nil, fmt.Errorf("servers on %d processors: %w", n, err)
		}
		m.placed = "server and client share all processors: " + err.Error()
		return nil, nil
	}
	m.placed = fmt.Sprintf("server on %s, client on %s", listed(cpus[:n]), listed(cpus[n:]))
	return cpus[:n], nil
}

// listed names processors: "processor 0", "processors 0, 1".
func listed(cpus []int) string {
	if len(cpus) == 1 {
		return fmt.Sprintf("processor %d", cpus[0])
	}
	var names []string
	for _, cpu := range cpus {
		names = append(names, strconv.Itoa(cpu))
	}
	return "processors " + strings.Join(names, ", ")
}

// start starts all peers that are installed.
func (m *comparison) start(ctx context.Context, root string, cpus []int) error {
	for _, p := range m.Peers {
		if _, err := p.Find(); err != nil {
			m.notes = append(m.notes, err.Error())
			continue
		}
		work := filepath.Join(root, p.Name+"-"+p.Scheme)
		if err := os.Mkdir(work, 0o755); err != nil {
			return err
		}
		setup := peers.Setup{Dir: m.files, Work: work, CPUs: cpus, Self: m.Self, AccessLog: m.AccessLog, Store: m.store}
		server, err := p.Start(ctx, setup)
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			m.notes = append(m.notes, fmt.Sprintf("%s left out: %v", p.Name, err))
			continue
		}
		if m.AccessLog && p.Mute && !p.Limit {
			m.notes = append(m.notes, p.Name+" has no access log: it is measured without")
		}
		m.running = append(m.running, &running{peer: p, version: p.Version(ctx), setup: setup, server: server})
	}
	if len(m.running) == 0 {
		return errors.New("no server to measure is left: " + m.notes[len(m.notes)-1])
	}
	return nil
}

func (m *comparison) stop() {
	for _, r := range m.running {
		_ = r.server.Stop()
	}
	if m.store != nil {
		_ = m.store.Process.Stop(time.Second)
	}
}

// run measures the rounds. A server that fails a workload is left out of its
// further rounds, with a note.
func (m *comparison) run(ctx context.Context) error {
	for _, w := range m.Workloads {
		m.cells = append(m.cells, m.cellsOf(w))
	}
	done, rated := 0, false
	for round := 0; m.missing() > 0; round++ {
		for i, w := range m.Workloads {
			for turn := range m.cells[i] {
				// Another server begins in each round, so that none always
				// follows the same one.
				c := m.cells[i][(turn+round)%len(m.cells[i])]
				if c.missing() == 0 {
					continue
				}
				if m.Rounds == 0 && c.rounds >= pilotRounds && time.Since(m.begin) > m.budget() {
					return nil
				}
				if m.Progress != nil {
					m.Progress(Step{Done: done, Total: done + m.missing(), What: w.Scheme + " " + w.Name + ", " + c.subject})
				}
				done++
				if err := m.measure(ctx, c, w); err != nil {
					if ctx.Err() != nil {
						return context.Cause(ctx)
					}
					m.notes = append(m.notes, fmt.Sprintf("%s left out of %s %s: %v", c.subject, w.Scheme, w.Name, err))
					c.out = true
				}
				c.rounds++
			}
		}
		if m.missing() == 0 && !rated {
			m.setRates()
			rated = true
		}
		if m.missing() == 0 && m.Rounds == 0 {
			m.extend()
		}
	}
	return nil
}

// missing returns how many measurements are to come.
func (m *comparison) missing() int {
	sum := 0
	for _, cells := range m.cells {
		for _, c := range cells {
			sum += c.missing()
		}
	}
	return sum
}

// freshRounds is the fewest rounds for a claim. A round with a fresh server takes
// seconds, and its memory hardly varies.
const freshRounds = 5

// extend gives further rounds to cells that are not precise enough, at most as
// many again as they have: their spread so far is an estimate.
func (m *comparison) extend() {
	for _, cells := range m.cells {
		for _, c := range cells {
			measured := bench.Cell{Metrics: c.metrics}
			c.wanted = min(measured.RoundsFor(m.precision()), 2*c.rounds)
		}
	}
}

// cellsOf returns a cell for each server that the workload is for.
func (m *comparison) cellsOf(w Workload) []*cell {
	var cells []*cell
	for _, r := range m.running {
		if r.peer.Scheme != w.Scheme || r.peer.Limit && !w.hasLimit() {
			continue
		}
		c := newCell(r.peer.Name, bench.Pair{Name: "protocol", Value: w.Scheme}, bench.Pair{Name: "workload", Value: w.Name}, bench.Pair{Name: "clients", Value: strconv.Itoa(w.Clients)})
		c.server, c.limit = r.server, r.peer.Limit
		if m.store != nil && r.server.Process != m.store.Process {
			c.storeUsage = m.store.Process.Usage
		}
		c.most = r.peer.Connections()
		c.start = func(ctx context.Context) (*peers.Server, error) { return r.peer.Start(ctx, r.setup) }
		c.perGB = w.isBulk()
		c.perRequest = !c.perGB
		switch {
		case w.Before > 0:
			c.wanted = cmp.Or(m.Rounds, freshRounds)
		case w.Load == 0: // else its rate is not known yet
			c.wanted = cmp.Or(m.Rounds, pilotRounds)
		}
		cells = append(cells, c)
	}
	return cells
}

// measure measures one workload on one server, for longer if the server
// completed no request.
func (m *comparison) measure(ctx context.Context, c *cell, w Workload) error {
	if w.Before > 0 {
		return c.measureFresh(ctx, w)
	}
	jobs := w.jobs(c.server)
	for i := range jobs {
		job := &jobs[i]
		if len(job.URLs) == 0 {
			return errors.New("it takes no uploads")
		}
		if c.limit {
			job.Content = nil // it has content of its own
		}
		job.Warmup, job.Duration, job.Rate = m.warmup(), m.time(), c.rate
		if len(jobs) > 1 {
			job.Warmup += togetherAfter
		}
	}
	for {
		err := c.measure(ctx, jobs, c.server.Usage)
		if !errors.Is(err, errSilent) || jobs[0].Duration > longestSilence {
			return err
		}
		for i := range jobs {
			jobs[i].Duration *= 2
		}
	}
}

// togetherAfter is how far apart the jobs of several processes may come to their warm-up.
const togetherAfter = time.Second / 2

// longestSilence is the longest time that is doubled if no request was answered
// in it. On a busy machine an answer may take longer than a round; leaving the
// server out would discard all its rounds.
const longestSilence = 10 * time.Second

// jobs returns the load of the workload on a server, with its clients spread over its processes.
func (w Workload) jobs(s *peers.Server) []load.Job {
	var jobs []load.Job
	all := s.All()
	for i, one := range all {
		part := w
		part.Clients = (w.Clients + i) / len(all)
		jobs = append(jobs, part.job(one))
	}
	return jobs
}

// job returns the load of the workload on a process of a server.
func (w Workload) job(s *peers.Server) load.Job {
	job := load.Job{
		Kind: w.Kind, Clients: w.Clients, Reconnect: w.Reconnect,
		RangeSize: w.RangeSize, UploadSize: w.UploadSize, Follow: w.Scheme == storeScheme,
	}
	if w.Kind == load.Upload {
		if s.Upload != "" {
			job.URLs = []string{s.Upload}
		}
		return job
	}
	content := map[string]File{}
	for _, f := range w.Files {
		url := s.URLOf(f.Name)
		job.URLs = append(job.URLs, url)
		content[url] = f
	}
	job.Content = func(url string) io.Reader { return content[url].content() }
	return job
}

func (m *comparison) report() *bench.Report {
	r := &bench.Report{
		Format: bench.Format,
		Title:  "Servers compared",
		Begin:  m.begin, Elapsed: time.Since(m.begin).Seconds(),
		Host: bench.ThisHost(),
		Settings: []bench.Pair{
			{Name: "rounds", Value: m.roundsSetting()},
			{Name: "time", Value: m.time().String() + " each, after " + m.warmup().String()},
			{Name: "processors", Value: m.placed},
			{Name: "files", Value: "in the page cache"},
			{Name: "access log", Value: m.logSetting()},
		},
		Notes: m.notes,
	}
	r.Settings = append(r.Settings, m.rates...)
	for _, server := range m.running {
		if server.peer.Limit {
			continue
		}
		version := bench.Pair{Name: server.peer.Name, Value: server.version}
		if m.store != nil && server.server.Process == m.store.Process {
			version.Value = m.store.Version
		}
		if !slices.Contains(r.Versions, version) { // a server of both protocols
			r.Versions = append(r.Versions, version)
		}
	}
	for _, cells := range m.cells {
		for _, c := range cells {
			c.addTo(r)
		}
	}
	r.Answer = answer(r)
	if noise := bench.NoiseNote(r, m.precision(), "give it more time with --budget, or --rounds and --time"); noise != "" {
		r.Answer = append(r.Answer, noise)
	}
	return r
}

func (m *comparison) roundsSetting() string {
	if m.Rounds > 0 {
		return strconv.Itoa(m.Rounds)
	}
	return fmt.Sprintf("%d or more, until ± is within %g %% or %v have passed", pilotRounds, 100*m.precision(), m.budget())
}

func (m *comparison) logSetting() string {
	if m.AccessLog {
		return "to a file"
	}
	return "off"
}

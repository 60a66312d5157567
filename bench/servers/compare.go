package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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

	Rounds int           // how often each server gets each workload; zero: 9
	Time   time.Duration // measured in each; zero: half a second
	Warmup time.Duration // before it; zero: a quarter of Time

	// Dir is where the files to serve are made, and removed. "": the system's
	// place for temporary files.
	Dir string

	// Self is how to start this program, for the peers that are it. Its first
	// element is the executable.
	Self []string

	// Progress, if not nil, is called before each measurement.
	Progress func(Step)
}

// A Step is what is going to be measured.
type Step struct {
	Done, Total int
	What        string
}

func (c Config) rounds() int {
	if c.Rounds == 0 {
		return 9
	}
	return c.Rounds
}

func (c Config) time() time.Duration {
	if c.Time == 0 {
		return time.Second / 2
	}
	return c.Time
}

func (c Config) warmup() time.Duration {
	if c.Warmup == 0 {
		return c.time() / 4
	}
	return c.Warmup
}

// Check returns what Compare would refuse before it starts a server, or nil.
func (c Config) Check() error {
	switch {
	case len(c.Workloads) == 0:
		return errors.New("no workload to compare by")
	case c.Rounds < 0 || c.Time < 0:
		return fmt.Errorf("%d rounds of %v cannot be measured", c.Rounds, c.Time)
	}
	return nil
}

// Compare measures the peers that are installed and names those that are not
// in the report's notes. It blocks until all is measured or ctx ends; then no
// server runs any more and the files are gone. An error beside a report says
// why it is not complete.
func Compare(ctx context.Context, c Config) (*bench.Report, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp(c.Dir, "sluice-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(root)
	m := &comparison{Config: c, begin: time.Now(), files: filepath.Join(root, "files")}
	if err := os.Mkdir(m.files, 0o755); err != nil {
		return nil, err
	}
	if err := os.Chmod(root, 0o755); err != nil { // servers may give up being us
		return nil, err
	}
	if err := plant(m.files, c.Workloads); err != nil {
		return nil, err
	}

	cpus := m.placeClient()
	defer m.stop()
	if err := m.start(ctx, root, cpus); err != nil {
		return nil, err
	}
	err = m.run(ctx)
	return m.report(), err
}

// A comparison is a Config being carried out.
type comparison struct {
	Config
	begin   time.Time
	files   string
	running []*running
	cells   [][]*cell // of each workload, one for each server
	notes   []string
	placed  string // where servers and client run
}

// running is a peer that has been started.
type running struct {
	peer    peers.Peer
	version string
	server  *peers.Server
}

// placeClient keeps this process on the last processor, if there are two or
// more, and returns those that are left for the servers.
func (m *comparison) placeClient() (servers []int) {
	cpus := proc.CPUs()
	m.placed = "server and client share a processor"
	if len(cpus) < 2 {
		return nil
	}
	last := len(cpus) - 1
	if err := proc.Pin(cpus[last:]); err != nil {
		m.placed = "server and client share all processors: " + err.Error()
		return nil
	}
	// One, however many there are: the servers are compared by what they cost,
	// and one client could not busy more.
	m.placed = fmt.Sprintf("server on processor %d, client on %d", cpus[0], cpus[last])
	return cpus[:1]
}

// start starts all peers that there are.
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
		server, err := p.Start(ctx, peers.Setup{Dir: m.files, Work: work, CPUs: cpus, Self: m.Self})
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			m.notes = append(m.notes, fmt.Sprintf("%s left out: %v", p.Name, err))
			continue
		}
		m.running = append(m.running, &running{peer: p, version: p.Version(ctx), server: server})
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
}

// run takes the rounds. A server that fails a workload is left out of it from
// then on, with a note.
func (m *comparison) run(ctx context.Context) error {
	for _, w := range m.Workloads {
		m.cells = append(m.cells, m.cellsOf(w))
	}
	step := Step{}
	for _, cells := range m.cells {
		step.Total += m.rounds() * len(cells)
	}
	for round := range m.rounds() {
		for i, w := range m.Workloads {
			for turn := range m.cells[i] {
				// Who comes first changes from round to round, so that nobody
				// always meets what the one before has left behind.
				c := m.cells[i][(turn+round)%len(m.cells[i])]
				if m.Progress != nil {
					step.What = w.Scheme + " " + w.Name + ", " + c.subject
					m.Progress(step)
				}
				step.Done++
				if c.out {
					continue
				}
				if err := m.measure(ctx, c, w); err != nil {
					if ctx.Err() != nil {
						return context.Cause(ctx)
					}
					m.notes = append(m.notes, fmt.Sprintf("%s left out of %s %s: %v", c.subject, w.Scheme, w.Name, err))
					c.out = true
				}
			}
		}
	}
	return nil
}

// cellsOf returns a cell for each server that the workload is for.
func (m *comparison) cellsOf(w Workload) []*cell {
	var cells []*cell
	for _, r := range m.running {
		if r.peer.Scheme != w.Scheme {
			continue
		}
		c := newCell(r.peer.Name, bench.Pair{Name: "protocol", Value: w.Scheme}, bench.Pair{Name: "workload", Value: w.Name}, bench.Pair{Name: "clients", Value: strconv.Itoa(w.Clients)})
		c.server = r.server
		c.perGB = w.isBulk()
		c.perRequest = !c.perGB
		cells = append(cells, c)
	}
	return cells
}

// measure gives one workload to one server, for longer if nothing came of it.
func (m *comparison) measure(ctx context.Context, c *cell, w Workload) error {
	job := w.job(c.server)
	if len(job.URLs) == 0 {
		return errors.New("it takes no uploads")
	}
	job.Warmup, job.Duration = m.warmup(), m.time()
	for {
		err := c.measure(ctx, job, c.server.Process.Usage)
		if !errors.Is(err, errSilent) || job.Duration > patience {
			return err
		}
		job.Duration *= 2
	}
}

// patience is the longest time that is doubled because no request was answered
// in it: on a busy machine an answer may take longer than a round, and to
// leave a server out for that would lose all its rounds.
const patience = 10 * time.Second

// job returns what the clients do to that server.
func (w Workload) job(s *peers.Server) load.Job {
	job := load.Job{
		Kind: w.Kind, Clients: w.Clients, Reconnect: w.Reconnect,
		RangeSize: w.RangeSize, UploadSize: w.UploadSize,
	}
	if w.Kind == load.Upload {
		if s.Upload != "" {
			job.URLs = []string{s.Upload}
		}
		return job
	}
	content := map[string]File{}
	for _, f := range w.Files {
		url := s.URL + f.Name
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
			{Name: "rounds", Value: strconv.Itoa(m.rounds())},
			{Name: "time", Value: m.time().String() + " each, after " + m.warmup().String()},
			{Name: "processors", Value: m.placed},
			{Name: "files", Value: "in the page cache"},
		},
		Notes: m.notes,
	}
	for _, server := range m.running {
		version := bench.Pair{Name: server.peer.Name, Value: server.version}
		if !slices.Contains(r.Versions, version) { // a server of both protocols
			r.Versions = append(r.Versions, version)
		}
	}
	for _, cells := range m.cells {
		for _, c := range cells {
			c.addTo(r)
		}
	}
	return r
}

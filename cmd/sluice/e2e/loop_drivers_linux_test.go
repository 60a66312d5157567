//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests in the files loop_* are those of the connections: slow disks and clients,
// floods, every state of the protocol, and the ends. They hold for each driver of
// connections alike.

// driver is a way to serve connections: event loops, or a goroutine for each connection.
type driver struct {
	name  string
	flags []string
}

const goroutines = "goroutines"

var allDrivers = []driver{{"event loops", []string{"--loop=auto"}}, {goroutines, []string{"--loop=off"}}}

// eachDriver runs a test with each driver.
func eachDriver(t *testing.T, test func(t *testing.T, d driver)) {
	t.Helper()
	for _, d := range allDrivers {
		t.Run(d.name, func(t *testing.T) { test(t, d) })
	}
}

// parallelDrivers is eachDriver for a test that measures no times that other tests could
// change.
func parallelDrivers(t *testing.T, test func(t *testing.T, d driver)) {
	t.Helper()
	t.Parallel()
	for _, d := range allDrivers {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

// serve starts a server of HTTP and of metrics, without a log of accesses, because some
// tests send a million requests.
func (d driver) serve(t *testing.T, dir string, flags ...string) *server {
	t.Helper()
	return d.serveUnder(t, nil, dir, append([]string{"--access-log=false"}, flags...)...)
}

// serveUnder is serve with a log of accesses, and a wrapper as in startUnder.
func (d driver) serveUnder(t *testing.T, wrapper []string, dir string, flags ...string) *server {
	t.Helper()
	flags = append([]string{"--http", "127.0.0.1:0", "--ftp", "", "--admin", "127.0.0.1:0"}, append(flags, d.flags...)...)
	s := launch{wrapper: wrapper, schemes: []string{"http"}}.serve(t, dir, flags...)
	s.http = s.urls["http"]
	s.admin("/metrics") // it opens files of /proc
	return s
}

// get returns the request of a file, on a connection that stays open.
func get(name string) string { return "GET /" + name + " HTTP/1.1\r\nHost: x\r\n\r\n" }

// metric returns the sum of all samples of a metric at the admin listener, whose labels
// contain label.
func (s *server) metric(name, label string) float64 {
	s.t.Helper()
	sum, found := 0.0, false
	for line := range strings.Lines(s.admin("/metrics")) {
		line = strings.TrimSpace(line)
		end := strings.LastIndexByte(line, ' ')
		if end < 0 {
			continue
		}
		value := line[end+1:]
		metric, labels, _ := strings.Cut(line[:end], "{")
		if metric != name || !strings.Contains(labels, label) {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			s.t.Fatal(err)
		}
		sum, found = sum+v, true
	}
	if !found {
		s.t.Fatalf("no metric %s{%s}", name, label)
	}
	return sum
}

// admin returns what the admin listener answers.
func (s *server) admin(path string) string {
	s.t.Helper()
	content, err := getAdmin("http://" + adminOf(s) + path)
	if err != nil {
		s.t.Fatal(err)
	}
	return content
}

var adminClient = http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

func getAdmin(url string) (string, error) {
	resp, err := adminClient.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, resp.Status)
	}
	return string(content), err
}

// held counts what the server holds for its clients.
type held struct {
	descriptors, threads int
	targets              []string // of the descriptors
}

func (h held) String() string {
	return fmt.Sprintf("%d descriptors, %d threads; %q", h.descriptors, h.threads, h.targets)
}

// held counts the threads of the server, and its descriptors but those of served files,
// which a cache keeps open.
func (s *server) held() (h held) {
	s.t.Helper()
	proc := fmt.Sprintf("/proc/%d/", s.process.Pid)
	descriptors, err := os.ReadDir(proc + "fd")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range descriptors {
		if target, err := os.Readlink(filepath.Join(proc, "fd", d.Name())); err == nil && !strings.HasPrefix(target, s.dir+"/") {
			h.descriptors++
			h.targets = append(h.targets, target)
		}
	}
	threads, err := os.ReadDir(proc + "task")
	if err != nil {
		s.t.Fatal(err)
	}
	h.threads = len(threads)
	return h
}

// moreThreads is how many threads Go may start for reasons of its own, such as a system
// call that takes a while.
const moreThreads = 8

// wantHeld waits until the server holds no more than before.
func (s *server) wantHeld(t *testing.T, before held) {
	t.Helper()
	var now held
	eventually(t, "the server holds no more than before", func() bool {
		now = s.held()
		return now.descriptors <= before.descriptors && now.threads <= before.threads+moreThreads
	})
	if t.Failed() {
		t.Logf("before: %v\nnow: %v", before, now)
	}
}

// requester is a client on one connection.
type requester struct {
	conn net.Conn
	in   *bufio.Reader
}

// request sends a request on a new connection. The end of the test closes it.
func request(t *testing.T, s *server, line string) *requester {
	t.Helper()
	c, err := newRequester(t, s.http.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.conn.Close() })
	if _, err := io.WriteString(c.conn, line); err != nil {
		t.Fatal(err)
	}
	return c
}

func newRequester(t *testing.T, host string) (*requester, error) {
	conn, err := dial(t.Context(), host)
	if err != nil {
		return nil, err
	}
	return &requester{conn, bufio.NewReaderSize(conn, 64<<10)}, nil
}

// get requests a file, drops its content, and checks the status and the size.
func (c *requester) get(name string, size int64) error {
	if _, err := io.WriteString(c.conn, get(name)); err != nil {
		return err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, resp.Body)
	if err == nil && (n != size || resp.StatusCode != http.StatusOK) {
		err = fmt.Errorf("%s: %s with %d bytes", name, resp.Status, n)
	}
	return err
}

// The probe requests small and large files at a fixed rate, whatever happens to earlier
// requests, so that a pause of the server counts for each request in it.
const (
	probeInterval = time.Second / 50
	probeSmall    = 10 << 10
	probeLarge    = 10 << 20
	probeKept     = 8 // connections that stay open
)

// The kinds of requests.
const (
	probeSmallNew  = "small, new connection"
	probeSmallKept = "small, kept connection"
	probeLargeNew  = "large, new connection"
	probeMetrics   = "metrics"
	probeHealth    = "health"
)

// probeResult has the durations of requests by kind, and the errors.
type probeResult struct {
	mu     sync.Mutex
	took   map[string][]time.Duration
	errors []error
}

func (p *probeResult) add(kind string, took time.Duration, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.took[kind] = append(p.took[kind], took)
	if err != nil {
		p.errors = append(p.errors, fmt.Errorf("%s: %w", kind, err))
	}
}

// makeProbeFiles makes the files that the probe requests: one on the disk, one in memory.
func (s *server) makeProbeFiles() {
	s.t.Helper()
	s.file("small", probeSmall)
	mem := s.path("mem")
	if err := os.Mkdir(mem, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := syscall.Mount("sluice-e2e", mem, "tmpfs", 0, ""); err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { _ = syscall.Unmount(mem, syscall.MNT_DETACH) })
	}
	s.file("mem/large", probeLarge)
}

// serveQuiet starts a server whose only client is the probe. At the same time as the probe of another server it shows
// how busy the machine is.
func (d driver) serveQuiet(t *testing.T) *server {
	t.Helper()
	s := d.serve(t, t.TempDir())
	s.makeProbeFiles()
	return s
}

// probe probes s, and with fewer requests at the same time a quiet server.
func (s *server) probe(t *testing.T, quiet *server, during time.Duration) (p, ofQuiet *probeResult) {
	t.Helper()
	run, runQuiet := s.prepareProbe(t), quiet.prepareProbe(t)
	var running sync.WaitGroup
	running.Go(func() { ofQuiet = runQuiet(during, 4) })
	p = run(during, 1)
	running.Wait()
	return p, ofQuiet
}

// prepareProbe opens the connections that stay open. run requests the files for a time, and the metrics and the health of
// the server, but only at one of so many intervals. It waits until all are answered, and closes the connections.
func (s *server) prepareProbe(t *testing.T) (run func(during time.Duration, oneOf int) *probeResult) {
	t.Helper()
	addr := adminOf(s)
	var kept [probeKept]*requester
	for i := range kept {
		c, err := newRequester(t, s.http.Host)
		if err == nil {
			err = c.get("small", probeSmall)
		}
		if err != nil {
			t.Fatal("the first requests of the probe: ", err)
		}
		t.Cleanup(func() { _ = c.conn.Close() })
		kept[i] = c
	}
	return func(during time.Duration, oneOf int) *probeResult {
		p := s.runProbe(t, addr, &kept, during, oneOf)
		for _, c := range kept {
			_ = c.conn.Close()
		}
		return p
	}
}

func (s *server) runProbe(t *testing.T, addr string, kept *[probeKept]*requester, during time.Duration, oneOf int) *probeResult {
	p := &probeResult{took: make(map[string][]time.Duration)}
	begin := time.Now()
	n := int(during / probeInterval)
	var running sync.WaitGroup
	run := func(i int, kind string, f func() error) {
		due := begin.Add(time.Duration(i) * probeInterval)
		running.Go(func() {
			time.Sleep(time.Until(due))
			start := time.Now() // it is late if this process is; that is not the server's fault
			err := f()
			p.add(kind, time.Since(start), err)
		})
	}
	fresh := func(name string, size int64) func() error {
		return func() error {
			c, err := newRequester(t, s.http.Host)
			if err != nil {
				return err
			}
			defer c.conn.Close()
			return c.get(name, size)
		}
	}
	var inUse [probeKept]sync.Mutex
	for i := 0; i < n; i += oneOf {
		run(i, probeSmallNew, fresh("small", probeSmall))
		run(i, probeLargeNew, fresh("mem/large", probeLarge))
		run(i, probeSmallKept, func() error {
			inUse[i%probeKept].Lock()
			defer inUse[i%probeKept].Unlock()
			return kept[i%probeKept].get("small", probeSmall)
		})
		if i%5 == 0 {
			run(i, probeMetrics, func() error { _, err := getAdmin("http://" + addr + "/metrics"); return err })
			run(i, probeHealth, func() error { _, err := getAdmin("http://" + addr + "/healthz"); return err })
		}
	}
	running.Wait()
	return p
}

// wantFast checks that no request of the probe has failed, and that the 99th percentile of
// each kind is at most that of limits, or four times the slowest request of quiet: the probe
// of a quiet server at the same time.
func (p *probeResult) wantFast(t *testing.T, limits probeLimits, quiet *probeResult) {
	t.Helper()
	if len(p.errors) > 0 {
		t.Errorf("%d requests of the probe failed, the first: %v", len(p.errors), p.errors[0])
	}
	for kind, took := range p.took {
		most := limits.small
		switch kind {
		case probeLargeNew:
			most = limits.large
		case probeMetrics, probeHealth:
			most = time.Second
		}
		most = max(most, 4*slices.Max(quiet.took[kind]))
		slices.Sort(took)
		got := took[len(took)*99/100]
		if got > most {
			t.Errorf("%s: 99 %% of %d within %v, want %v; the slowest %v", kind, len(took), got, most, took[max(0, len(took)-5):])
		}
		t.Logf("%s: p50 %v, p99 %v of at most %v", kind, took[len(took)/2], got, most)
	}
}

// probeLimits are the longest 99th percentiles.
type probeLimits struct{ small, large time.Duration }

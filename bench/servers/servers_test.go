package servers_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/bench"
	"sluice/bench/load"
	"sluice/bench/peers"
	"sluice/bench/proc"
	"sluice/bench/servers"
	"sluice/internal/nettest"
)

// slow is the argument with which this program takes longer for a response than
// a round of quick. With fleeting it closes each connection after the answer.
const (
	slow     = "slow"
	fleeting = "fleeting"
)

// TestMain lets this program be the server that Compare starts.
func TestMain(m *testing.M) {
	if len(os.Args) == 5 && os.Args[1] == slow {
		_ = http.ListenAndServe(os.Args[3], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(300 * time.Millisecond)
			http.FileServer(http.Dir(os.Args[4])).ServeHTTP(w, r)
		}))
		os.Exit(1)
	}
	if len(os.Args) == 5 && os.Args[1] == fleeting {
		_ = http.ListenAndServe(os.Args[3], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			http.FileServer(http.Dir(os.Args[4])).ServeHTTP(w, r)
		}))
		os.Exit(1)
	}
	if len(os.Args) == 4 && os.Args[1] == peers.GoFSRole {
		_ = peers.ServeGoFS(os.Args[2], os.Args[3])
		os.Exit(1)
	}
	if len(os.Args) == 4 && os.Args[1] == peers.KernelRole {
		_ = peers.ServeKernel(os.Args[2], os.Args[3])
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// gofs is the peer that is always installed.
func gofs(t *testing.T) peers.Peer { return peer(t, "gofs") }

func peer(t *testing.T, name string) peers.Peer {
	t.Helper()
	all := peers.All("http")
	i := slices.IndexFunc(all, func(p peers.Peer) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("there is no peer %s", name)
	}
	return all[i]
}

func self(t *testing.T) []string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{program}
}

// quick returns a short comparison.
func quick(t *testing.T, workloads ...servers.Workload) servers.Config {
	return servers.Config{
		Peers: []peers.Peer{gofs(t)}, Workloads: workloads, Rounds: 2,
		Time: 100 * time.Millisecond, Dir: nettest.TempDir(t), Self: self(t),
	}
}

func units(c bench.Cell) []string {
	var all []string
	for _, m := range c.Metrics {
		all = append(all, m.Unit)
	}
	return all
}

func TestCompareMeasuresEachWorkloadOnEachServer(t *testing.T) {
	nettest.CheckLeaks(t)
	c := quick(t,
		servers.Workload{Scheme: "http", Name: "small", Kind: load.Download, Files: []servers.File{{Name: "a/small", Size: 1000}}, Clients: 3},
		servers.Workload{Scheme: "http", Name: "bulk", Kind: load.Download, Files: []servers.File{{Name: "bulk", Size: 1 << 20}}, Clients: 2},
		servers.Workload{Scheme: "http", Name: "idle", Kind: load.Idle, Files: []servers.File{{Name: "a/small", Size: 1000}}, Clients: 20},
		servers.Workload{Scheme: "ftp", Name: "not for HTTP", Kind: load.Churn, Clients: 1},
	)
	var steps int
	c.Progress = func(s servers.Step) {
		if s.Done != steps || s.Total != 6 {
			t.Errorf("step %d of %d, want %d of 6", s.Done, s.Total, steps)
		}
		steps++
	}
	r, err := servers.Compare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if steps != 6 {
		t.Errorf("%d steps, want two rounds of three workloads", steps)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	if len(r.Notes) > 0 {
		t.Errorf("notes %q, want none", r.Notes)
	}
	if len(r.Cells) != 3 {
		t.Fatalf("%d cells, want 3", len(r.Cells))
	}
	for i, tt := range []struct {
		name string
		want []string // with costs, if the system can account them
	}{
		{"small", []string{"req/s", "p50-us", "p99-us", "cpu-s/100k"}},
		{"bulk", []string{"MB/s", "p50-us", "p99-us", "cpu-s/GB"}},
		{"idle", []string{"KiB/conn"}},
	} {
		cell := r.Cells[i]
		for _, unit := range tt.want {
			if !costsKnown && (strings.HasPrefix(unit, "cpu") || unit == "KiB/conn") {
				continue
			}
			j := slices.Index(units(cell), unit)
			if j < 0 {
				t.Errorf("%s: metrics %q, want %s", tt.name, units(cell), unit)
				continue
			}
			m := cell.Metrics[j]
			if len(m.Samples) != 2 {
				t.Errorf("%s: %d samples of %s, want one a round", tt.name, len(m.Samples), unit)
			}
			if unit != "KiB/conn" && slices.Min(m.Samples) <= 0 {
				t.Errorf("%s: %s %v, want more than nothing", tt.name, unit, m.Samples)
			}
		}
	}
	if left, _ := os.ReadDir(c.Dir); len(left) > 0 {
		t.Errorf("%d files are left", len(left))
	}
}

func TestIdleConnectionsAreMeasuredOnAFreshServer(t *testing.T) {
	nettest.CheckLeaks(t)
	files := []servers.File{{Name: "small", Size: 1000}}
	c := quick(t, servers.Workload{Scheme: "http", Name: "idle", Kind: load.Idle, Files: files, Clients: 200, Before: 50})
	r, err := servers.Compare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if !costsKnown {
		return
	}
	if len(r.Cells) != 1 || len(r.Notes) > 0 {
		t.Fatalf("%d cells, notes %q; want one cell and no note", len(r.Cells), r.Notes)
	}
	if got := units(r.Cells[0]); !slices.Equal(got, []string{"B/conn"}) {
		t.Errorf("metrics %q, want B/conn alone", got)
	}
	// net/http keeps a goroutine and two buffers of 4 KiB for each connection. With the race
	// detector that takes up to ten times as much.
	if got, _ := r.Cells[0].Median("B/conn"); got < 4<<10 || got > 400<<10 {
		t.Errorf("gofs grows by %v bytes for each connection, want some 20,000", got)
	}
}

func TestIdleConnectionsThatEndAreAFailure(t *testing.T) {
	if !costsKnown {
		t.Skip("the system accounts no processes")
	}
	files := []servers.File{{Name: "small", Size: 1000}}
	c := quick(t, servers.Workload{Scheme: "http", Name: "idle", Kind: load.Idle, Files: files, Clients: 10, Before: 2})
	c.Self = append(c.Self, fleeting)
	r, err := servers.Compare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cells) > 0 || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "clients stay connected: closed by peer") {
		t.Errorf("%d cells, notes %q; want no cell, and why", len(r.Cells), r.Notes)
	}
}

func TestANoteNamesServersThatHaveNoAccessLog(t *testing.T) {
	c := quick(t, servers.Workload{Scheme: "http", Name: "large", Kind: load.Download, Files: []servers.File{{Name: "large", Size: 1 << 20}}, Clients: 1})
	c.Peers = append(c.Peers, peer(t, peers.KernelAlone))
	c.AccessLog, c.Rounds = true, 1
	r, err := servers.Compare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	has := func(text string) bool {
		return slices.ContainsFunc(r.Notes, func(note string) bool { return strings.HasPrefix(note, text) })
	}
	if !has("gofs has no access log") || has("kernel-alone has") {
		t.Errorf("notes %q, want one about gofs, and none about the limit", r.Notes)
	}
	if !slices.Contains(r.Settings, bench.Pair{Name: "access log", Value: "to a file"}) {
		t.Errorf("settings %v, want that of the log", r.Settings)
	}
}

func TestTheLimitIsARowOfLargeFilesAlone(t *testing.T) {
	c := quick(t,
		servers.Workload{Scheme: "http", Name: "small", Kind: load.Download, Files: []servers.File{{Name: "small", Size: 1000}}, Clients: 3},
		servers.Workload{Scheme: "http", Name: "large", Kind: load.Download, Files: []servers.File{{Name: "large", Size: 1<<20 + 17}}, Clients: 3},
	)
	limit := peer(t, peers.KernelAlone)
	c.Peers = append(c.Peers, limit)
	r, err := servers.Compare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, cell := range r.Cells {
		got = append(got, cell.Subject+" "+cell.Param("workload"))
		if cell.Limit != (cell.Subject == peers.KernelAlone) {
			t.Errorf("%s: limit %v", cell.Subject, cell.Limit)
		}
	}
	want := []string{"gofs small", "gofs large", "kernel-alone large"}
	if _, err := limit.Find(); err != nil {
		want = want[:2]
	}
	if !slices.Equal(got, want) {
		t.Errorf("got cells %q, notes %q; want %q", got, r.Notes, want)
	}
}

func TestAFixedRateBeginsWhenTheClosedLoopIsMeasured(t *testing.T) {
	files := []servers.File{{Name: "small", Size: 1000}}
	c := quick(t,
		servers.Workload{Scheme: "http", Name: "half", Kind: load.Download, Files: files, Clients: 3, Load: 0.5, Of: "full"},
		servers.Workload{Scheme: "http", Name: "full", Kind: load.Download, Files: files, Clients: 3},
	)
	var order []string
	c.Progress = func(s servers.Step) { order = append(order, s.What) }
	r, err := servers.Compare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"http full, gofs", "http full, gofs", "http half, gofs", "http half, gofs"}; !slices.Equal(order, want) {
		t.Errorf("got the order %q, want %q", order, want)
	}
	if len(r.Cells) != 2 {
		t.Fatalf("%d cells, notes %q; want 2", len(r.Cells), r.Notes)
	}
	if r.Cells[0].Param("rate") == "" || r.Cells[1].Param("rate") != "" {
		t.Errorf("parameters %v and %v, want a rate in the first: figures at another one do not compare", r.Cells[0].Params, r.Cells[1].Params)
	}
	if got := units(r.Cells[0]); !slices.Contains(got, "p99-us") || slices.Contains(got, "req/s") {
		t.Errorf("metrics at a fixed rate are %q, want latencies, and no rate: the client sets it", got)
	}
	if !slices.ContainsFunc(r.Settings, func(p bench.Pair) bool { return p.Name == "http half" && strings.Contains(p.Value, "req/s") }) {
		t.Errorf("settings %v, want the rate", r.Settings)
	}
}

func TestRoundsGoOnUntilTheFiguresArePreciseOrTheBudgetIsSpent(t *testing.T) {
	rounds := func(precision float64, budget time.Duration, most int) int {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := quick(t, servers.Workload{Scheme: "http", Name: "small", Kind: load.Download, Files: []servers.File{{Name: "small", Size: 1}}, Clients: 1})
		c.Rounds, c.Time, c.Precision, c.Budget = 0, 20*time.Millisecond, precision, budget
		c.Progress = func(s servers.Step) {
			if s.Done == most {
				cancel()
			}
		}
		r, err := servers.Compare(ctx, c)
		if err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		if noisy := strings.Contains(strings.Join(r.Answer, " "), "too noisy"); noisy != (precision < 1) {
			t.Errorf("precision %v: got the answer %q, want it to say whether the machine was too noisy", precision, r.Answer)
		}
		return len(r.Cells[0].Metrics[0].Samples)
	}
	const most = 15
	if got := rounds(1e6, time.Hour, most); got != 9 {
		t.Errorf("got %d rounds, want the nine of the pilot", got)
	}
	if got := rounds(1e-9, time.Nanosecond, most); got != 9 {
		t.Errorf("got %d rounds without any budget, want the nine of the pilot", got)
	}
	if got := rounds(1e-9, time.Hour, most); got != most {
		t.Errorf("got %d rounds for a precision that cannot be reached, want all %d until the test ends them", got, most)
	}
}

func TestCompareNamesMissingServers(t *testing.T) {
	missing := gofs(t)
	missing.Name, missing.Program, missing.Package = "nothere", "sluice-no-such-program", "no-such-package"
	c := quick(t, servers.Workload{Scheme: "http", Name: "small", Kind: load.Download, Files: []servers.File{{Name: "small", Size: 1}}, Clients: 1})
	c.Peers = append(c.Peers, missing)
	r, err := servers.Compare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cells) != 1 || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "apt install no-such-package") {
		t.Errorf("%d cells, notes %q; want one cell and how to install the other", len(r.Cells), r.Notes)
	}
	c.Peers = []peers.Peer{missing}
	if _, err := servers.Compare(t.Context(), c); err == nil || !strings.Contains(err.Error(), "nothere") {
		t.Errorf("with nothing to measure: %v, want an error that names it", err)
	}
}

func TestCompareLeavesOutServersThatFail(t *testing.T) {
	c := quick(t,
		servers.Workload{Scheme: "http", Name: "upload", Kind: load.Upload, UploadSize: 1, Clients: 1}, // gofs takes none
		servers.Workload{Scheme: "http", Name: "small", Kind: load.Download, Files: []servers.File{{Name: "small", Size: 1}}, Clients: 1},
	)
	r, err := servers.Compare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cells) != 1 || len(r.Notes) != 1 || !strings.HasPrefix(r.Notes[0], "gofs left out of http upload: ") {
		t.Errorf("%d cells, notes %q; want the other workload, and a reason", len(r.Cells), r.Notes)
	}
}

func TestCompareWaitsForSlowServers(t *testing.T) {
	c := quick(t, servers.Workload{Scheme: "http", Name: "small", Kind: load.Download, Files: []servers.File{{Name: "small", Size: 1}}, Clients: 1})
	c.Rounds = 1
	c.Self = append(c.Self, slow)
	r, err := servers.Compare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cells) != 1 || len(r.Notes) > 0 {
		t.Errorf("%d cells, notes %q, want one cell and no note", len(r.Cells), r.Notes)
	}
}

func TestImpossibleComparisonsAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*servers.Config){
		"no workload":        func(c *servers.Config) { c.Workloads = nil },
		"less than no round": func(c *servers.Config) { c.Rounds = -1 },
		"a negative time":    func(c *servers.Config) { c.Time = -1 },
		"less than no core":  func(c *servers.Config) { c.Cores = -1 },
		"too many cores":     func(c *servers.Config) { c.Cores = len(proc.CPUs()) + 1 },
	} {
		c := quick(t, servers.Workload{Scheme: "http", Name: "small", Kind: load.Download, Files: []servers.File{{Name: "small", Size: 1}}, Clients: 1})
		spoil(&c)
		if r, err := servers.Compare(t.Context(), c); r != nil || err == nil {
			t.Errorf("%s: %v, %v, want an error", name, r, err)
		}
	}
}

func TestCompareEndsWithItsContext(t *testing.T) {
	nettest.CheckLeaks(t)
	c := quick(t, servers.Workload{Scheme: "http", Name: "small", Kind: load.Download, Files: []servers.File{{Name: "small", Size: 1}}, Clients: 1})
	c.Time = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	c.Progress = func(servers.Step) { cancel() }
	if _, err := servers.Compare(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if left, _ := os.ReadDir(c.Dir); len(left) > 0 {
		t.Errorf("%d files are left", len(left))
	}
}

func TestMeasureOfARunningServer(t *testing.T) {
	content := sha256.Sum256(nil)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content[:]) }))
	defer site.Close()
	job := load.Job{Kind: load.Download, URLs: []string{site.URL + "/"}, Clients: 2, Requests: 40, Verify: 1}
	r, err := servers.Measure(t.Context(), job, 3, os.Getpid(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	want := []string{"MB/s", "req/s", "p50-us", "p99-us"}
	if costsKnown {
		want = append(want, "cpu-s/GB", "cpu-s/100k")
	}
	for _, unit := range want {
		if i := slices.Index(units(r.Cells[0]), unit); i < 0 || len(r.Cells[0].Metrics[i].Samples) != 3 {
			t.Errorf("metrics %q, want %s of three rounds", units(r.Cells[0]), unit)
		}
	}
	if got := r.Cells[0].Latency.Count; got < 3*40 {
		t.Errorf("%d latencies, want those of all rounds, 120 or more", got)
	}
}

func TestMeasureReportsErrors(t *testing.T) {
	var requests int
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests++; requests%2 == 0 { // there is one client, so no race
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	defer site.Close()
	job := load.Job{Kind: load.Download, URLs: []string{site.URL + "/"}, Clients: 1, Requests: 10}
	r, err := servers.Measure(t.Context(), job, 1, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "requests failed: status 418 (") {
		t.Errorf("notes %q, want the failed ones with their status", r.Notes)
	}
	if slices.Contains(units(r.Cells[0]), "cpu-s/100k") {
		t.Error("got a cost without a process to account")
	}

	for _, rounds := range []int{0, -1} {
		if r, err := servers.Measure(t.Context(), job, rounds, 0, nil); r != nil || err == nil {
			t.Errorf("%d rounds: %v, %v, want an error", rounds, r, err)
		}
	}
	if _, err := servers.Measure(t.Context(), job, 1, math.MaxInt32, nil); err == nil || !strings.Contains(err.Error(), "process 2147483647") {
		t.Errorf("a process that does not exist: %v, want an error that names it", err)
	}
	job.URLs = []string{"http://127.0.0.1:1/"}
	if r, err := servers.Measure(t.Context(), job, 1, 0, nil); r != nil || err == nil {
		t.Errorf("without a server: %v, %v, want an error", r, err)
	}
}

func TestHTTPIsComparedByNewConnectionsAndByRanges(t *testing.T) {
	for _, want := range []servers.Workload{
		{Name: "1KiB-reconnect", Kind: load.Download, Clients: 64, Reconnect: true},
		{Name: "64KiB-ranges", Kind: load.Range, Clients: 64, RangeSize: 64 << 10},
	} {
		all := servers.HTTP()
		i := slices.IndexFunc(all, func(w servers.Workload) bool { return w.Name == want.Name })
		if i < 0 {
			t.Errorf("there is no workload %s", want.Name)
			continue
		}
		got := all[i]
		if got.Kind != want.Kind || got.Clients != want.Clients || got.Reconnect != want.Reconnect || got.RangeSize != want.RangeSize {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestLargeFilesAreComparedWithFewAndManyClients(t *testing.T) {
	type load struct {
		scheme  string
		size    int64
		clients int
	}
	found := map[load]bool{}
	for _, w := range slices.Concat(servers.HTTP(), servers.FTP()) {
		for _, f := range w.Files {
			found[load{w.Scheme, f.Size, w.Clients}] = true
		}
	}
	for _, scheme := range []string{"http", "ftp"} {
		for _, size := range []int64{1 << 20, 100 << 20} {
			for _, clients := range []int{4, 64} {
				if !found[load{scheme, size, clients}] {
					t.Errorf("there is no workload of %d bytes with %d clients by %s", size, clients, scheme)
				}
			}
		}
	}
}

func TestEachNewConnectionServesOneRequestThatSaysSo(t *testing.T) {
	var mu sync.Mutex
	connections, kept := map[string]int{}, 0
	site := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		connections[r.RemoteAddr]++
		if !r.Close {
			kept++
		}
	}))
	defer site.Close()
	job := load.Job{Kind: load.Download, URLs: []string{site.URL + "/"}, Clients: 2, Requests: 20, Reconnect: true}
	if _, err := servers.Measure(t.Context(), job, 1, 0, nil); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for from, n := range connections {
		if n != 1 {
			t.Errorf("%d requests from %s, want one for each connection", n, from)
		}
	}
	if len(connections) < 20 || kept > 0 {
		t.Errorf("%d connections, %d requests without Connection: close; want 20 or more, and none", len(connections), kept)
	}
}

func TestWorkloadsAreForTheirScheme(t *testing.T) {
	for _, scheme := range []string{"http", "ftp"} {
		all, err := servers.Workloads(scheme)
		if err != nil || len(all) == 0 {
			t.Errorf("%s: %d workloads, %v", scheme, len(all), err)
		}
		seen := map[string]bool{}
		for _, w := range all {
			if w.Scheme != scheme || seen[w.Name] {
				t.Errorf("%s: workload %q of %s, want one of a name", scheme, w.Name, w.Scheme)
			}
			seen[w.Name] = true
			if w.Kind == load.Idle && w.Before == 0 {
				t.Errorf("%s %s: measured on a server that has memory left from other workloads, want a fresh one", scheme, w.Name)
			}
		}
	}
	if _, err := servers.Workloads("gopher"); err == nil {
		t.Error("gopher: no error")
	}
}

//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// Each request of a client while the requests to its store fail in one way or another: it succeeds with the whole file, or
// fails with a status that says that it was the store.
func TestABucketBehindABrokenNetwork(t *testing.T) {
	g := startGateway(t)
	proxy := nettest.NewFaultProxy(t, g.endpoint)
	s := g.serve(t, "--s3-endpoint", proxy.URL, "--user", login, "--write")
	s.expected = "object store"

	content := make([]byte, 20_000_000) // of three parts
	nettest.PatternAt(content, 0)
	method := func(name string) func(*http.Request) bool {
		return func(r *http.Request) bool { return r.Method == name }
	}
	isPart := func(r *http.Request) bool { return r.Method == "PUT" && r.URL.Query().Has("partNumber") }
	isCompletion := func(r *http.Request) bool { return r.Method == "POST" && r.URL.Query().Has("uploadId") }
	for _, tt := range []struct {
		name     string
		faults   func() []*nettest.Fault
		put, get int // status
	}{
		{"the store asks twice to slow down", func() []*nettest.Fault {
			return []*nettest.Fault{{Times: 2, Status: 503, Code: "SlowDown"}}
		}, 201, 200},
		{"the store fails twice", func() []*nettest.Fault {
			return []*nettest.Fault{{Times: 2, Status: 500, Code: "InternalError"}}
		}, 201, 200},
		{"connections are reset", func() []*nettest.Fault { return []*nettest.Fault{{Times: 2, Reset: true}} }, 201, 200},
		{"a part is stored and the answer is lost", func() []*nettest.Fault {
			return []*nettest.Fault{{Matches: isPart, Times: 1, Lost: true}}
		}, 201, 200},
		{"an upload is completed and the answer is lost", func() []*nettest.Fault {
			return []*nettest.Fault{{Matches: isCompletion, Times: 1, Lost: true}}
		}, 201, 200},
		{"bodies are cut", func() []*nettest.Fault {
			return []*nettest.Fault{{Matches: method("GET"), Times: 1, Cut: 100_000}, {Matches: method("GET"), Times: 1, Cut: 1_000}}
		}, 201, 200},
		{"the store always asks to slow down", func() []*nettest.Fault {
			return []*nettest.Fault{{Times: math.MaxInt, Status: 503, Code: "SlowDown"}}
		}, 503, 503},
		{"the store is always broken", func() []*nettest.Fault {
			return []*nettest.Fault{{Times: math.MaxInt, Status: 500, Code: "InternalError"}}
		}, 502, 502},
		{"the clock of the server is wrong", func() []*nettest.Fault {
			return []*nettest.Fault{{Times: math.MaxInt, Status: 403, Code: "RequestTimeTooSkewed"}}
		}, 502, 502},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proxy.Mend()
			name := strings.ReplaceAll(tt.name, " ", "-")
			if status, _, err := do("PUT", s.http.String()+name, content); status != 201 || err != nil {
				t.Fatalf("before: %d, %v", status, err)
			}

			proxy.Break(tt.faults()...)
			status, body, err := do("PUT", s.http.String()+name+"-new", content)
			if status != tt.put || err != nil {
				t.Errorf("PUT: %d %.200q, %v, want %d", status, body, err, tt.put)
			}
			proxy.Mend()
			want := http.StatusNotFound
			if tt.put == 201 {
				want = http.StatusOK
			}
			status, body, err = do("GET", s.http.String()+name+"-new", nil)
			if status != want || want == 200 && sha256.Sum256(body) != sha256.Sum256(content) {
				t.Errorf("afterwards: %d, %d bytes, %v, want %d", status, len(body), err, want)
			}

			proxy.Break(tt.faults()...)
			status, body, err = do("GET", s.http.String()+name, nil)
			if status != tt.get || status == 200 && !bytes.Equal(body, content) {
				t.Errorf("GET: %d, %d bytes, %v, want %d", status, len(body), err, tt.get)
			}
			if bytes.Contains(body, []byte("127.0.0.1")) {
				t.Errorf("a client learns where the store is: %s", body)
			}
		})
	}
}

// slow returns a fault of all requests of a method for an object.
func slow(method, key string, s nettest.Slowness) *nettest.Fault {
	return &nettest.Fault{Times: math.MaxInt, Slow: s, Matches: func(r *http.Request) bool {
		return r.Method == method && r.URL.Path == "/pub/"+key
	}}
}

// A store that is slow is what its transfers wait for. It holds up nobody else.
func TestTransfersWaitForASlowStore(t *testing.T) {
	const size = 12 << 20 // of two parts
	g := startGateway(t)
	g.store(t, "slow", size)
	g.store(t, "cached", size)
	proxy := nettest.NewFaultProxy(t, g.endpoint)
	cache := filepath.Join(t.TempDir(), "cache")
	s := g.serve(t, "--s3-endpoint", proxy.URL, "--user", login, "--write", "--cache", cache, "--cache-size", "100MiB",
		"--admin", "127.0.0.1:0", "--drain", "1s")
	local := filepath.Join(t.TempDir(), "f")
	writePattern(t, local, size)
	got := t.TempDir()
	curl(t, got, "-o", "cached", s.urlOf("http", "cached"))
	awaitCached(t, cache, 1)

	const rate = 200_000 // a minute
	proxy.Break(slow("GET", "slow", nettest.Slowness{Delay: 100 * time.Millisecond, Rate: rate}))
	for _, scheme := range schemes {
		proxy.Break(slow("PUT", "up-"+scheme, nettest.Slowness{Delay: 100 * time.Millisecond, Rate: rate}))
	}
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, scheme := range schemes {
		for _, args := range [][]string{
			{"-o", "/dev/null", s.urlOf(scheme, "slow")},
			{"-u", login, "-T", local, s.urlOf(scheme, "up-"+scheme)},
		} {
			cmd := exec.CommandContext(ctx, "curl", append([]string{"-sS"}, args...)...)
			cmd.Dir = got
			all.Go(func() { _ = cmd.Run() })
		}
	}
	waited := make(map[string]bool) // not all at one time: between two parts another cause may show
	defer func() {
		if t.Failed() {
			t.Log("have waited:", waited)
		}
	}()
	eventually(t, "each transfer waits for the store", func() bool {
		for _, scheme := range schemes {
			for _, direction := range []string{"in", "out"} {
				labels := `cause="store",direction="` + direction + `",protocol="` + scheme + `"`
				waited[labels] = waited[labels] || s.metric("sluice_transfers_running", labels) > 0
			}
		}
		return !slices.Contains(slices.Collect(maps.Values(waited)), false)
	})
	if live := s.admin("/status.json"); strings.Count(live, `"cause":"store"`) == 0 {
		t.Errorf("the status names no store:\n%s", live)
	}
	for _, scheme := range schemes {
		begun := time.Now()
		curl(t, got, "-o", scheme, s.urlOf(scheme, "cached"))
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("a cached file by %s takes %v", scheme, took)
		}
		wantPattern(t, filepath.Join(got, scheme), 0, size)
	}
}

// A store that does not answer in time is said to be that, and its requests end.
func TestAStoreThatIsTooSlowIsGivenUp(t *testing.T) {
	const size = 12 << 20 // of two parts
	g := startGateway(t)
	g.store(t, "silent", 1000)
	proxy := nettest.NewFaultProxy(t, g.endpoint)
	s := g.serve(t, "--s3-endpoint", proxy.URL, "--user", login, "--write", "--drain", "1s")
	s.expected = "object store"
	hung := nettest.Slowness{Delay: time.Hour}
	proxy.Break(slow("HEAD", "silent", hung), slow("GET", "silent", hung), slow("PUT", "by-http", hung), slow("PUT", "by-ftp", hung))
	local := filepath.Join(t.TempDir(), "f")
	writePattern(t, local, size)
	requests := map[string]func() error{
		"RETR": func() error {
			c, err := dialFTP(t.Context(), s.ftp.Host, "", "")
			if err != nil {
				return err
			}
			defer c.conn.Close()
			if _, err = c.passive(t.Context()); err == nil {
				_, err = c.do(450, "RETR silent")
			}
			return err
		},
	}
	for name, tt := range map[string]struct {
		args   []string
		status string // the last one that the server says
	}{
		"GET":  {[]string{s.urlOf("http", "silent")}, "504"},
		"PUT":  {[]string{"-T", local, s.urlOf("http", "by-http")}, "504"},
		"STOR": {[]string{"-T", local, s.urlOf("ftp", "by-ftp")}, "451"},
	} {
		requests[name] = func() error {
			out, exit := try(t, t.TempDir(), "curl", append([]string{"-s", "-o", "/dev/null", "-u", login, "-w", "%{response_code}"}, tt.args...)...)
			if out != tt.status {
				return fmt.Errorf("curl ends with %d and %q, want %s", exit, out, tt.status)
			}
			return nil
		}
	}
	var all sync.WaitGroup
	for name, request := range requests {
		all.Go(func() {
			begun := time.Now()
			if err := request(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(begun); took > patience {
				t.Errorf("%s takes %v", name, took)
			}
		})
	}
	all.Wait()
}

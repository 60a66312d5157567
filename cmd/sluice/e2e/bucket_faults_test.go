//go:build e2e

package e2e

import (
	"bytes"
	"crypto/sha256"
	"math"
	"net/http"
	"strings"
	"testing"

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

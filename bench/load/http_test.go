package load_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/bench/load"
	"sluice/internal/nettest"
)

// pattern returns n bytes of content.
func pattern(n int) []byte {
	p := make([]byte, n)
	nettest.PatternAt(p, 0)
	return p
}

// run runs a job of some seconds at most, which must be possible.
func run(t *testing.T, job load.Job) *load.Result {
	t.Helper()
	job.Timeout = 10 * time.Second
	job.Clients = max(job.Clients, 1)
	if job.Duration == 0 {
		job.Duration = 20 * time.Second // ended by Requests
	}
	res, err := load.Run(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// noErrors fails the test if a request of res failed.
func noErrors(t *testing.T, res *load.Result) {
	t.Helper()
	if len(res.Errors) > 0 {
		t.Errorf("errors %v, want none", res.Errors)
	}
}

// A site is an HTTP server that counts connections and requests.
type site struct {
	*httptest.Server
	conns, requests atomic.Int64
}

func newSite(t *testing.T, protocol string, handler http.HandlerFunc) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.conns.Add(1)
		}
	}
	if protocol == "https" {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// files serves n bytes of content, and ranges of it.
func files(n int) http.HandlerFunc {
	content := pattern(n)
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "f.bin", time.Time{}, bytes.NewReader(content))
	}
}

// chunked serves n bytes of content in chunks of several sizes.
func chunked(n int) http.HandlerFunc {
	content := pattern(n)
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		for p, size := content, 1; len(p) > 0; size *= 3 {
			size = min(size, len(p))
			_, _ = w.Write(p[:size])
			w.(http.Flusher).Flush()
			p = p[size:]
		}
		w.Header().Set("X-Sum", "1")
	}
}

// untilClose serves n bytes whose end is that of the connection.
func untilClose(n int) http.HandlerFunc {
	content := pattern(n)
	return func(w http.ResponseWriter, r *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.0 200 OK\r\n\r\n")
		_, _ = c.Write(content)
	}
}

func TestHTTPDownloads(t *testing.T) {
	const size, requests = 300_001, 30
	for _, tt := range []struct {
		name     string
		handler  http.HandlerFunc
		job      load.Job
		perConn  bool // each request has a connection of its own
		verifies int64
	}{
		{"whole files", files(size), load.Job{Kind: load.Download}, false, 0},
		{"whole files, compared", files(size), load.Job{Kind: load.Download, Verify: 1}, false, requests},
		{"whole files, each on a new connection", files(size), load.Job{Kind: load.Download, Reconnect: true}, true, 0},
		{"chunks", chunked(size), load.Job{Kind: load.Download}, false, 0},
		{"chunks, compared", chunked(size), load.Job{Kind: load.Download, Verify: 1}, false, requests},
		{"bodies that end with the connection", untilClose(size), load.Job{Kind: load.Download, Verify: 1}, true, requests},
		{"ranges", files(size), load.Job{Kind: load.Range, RangeSize: 1001}, false, 0},
		{"ranges, compared", files(size), load.Job{Kind: load.Range, RangeSize: 1001, Verify: 1}, false, requests},
		{"ranges that are all of it", files(size), load.Job{Kind: load.Range, RangeSize: size, Verify: 1}, false, requests},
		{"empty files", files(0), load.Job{Kind: load.Download, Verify: 1}, false, requests},
		{"churn", files(size), load.Job{Kind: load.Churn}, true, 0},
		{"at a rate", files(size), load.Job{Kind: load.Download, Rate: 500}, false, 0},
	} {
		for _, protocol := range []string{"http", "https"} {
			t.Run(tt.name+" over "+protocol, func(t *testing.T) {
				nettest.CheckLeaks(t)
				s := newSite(t, protocol, tt.handler)
				job := tt.job
				job.URLs = []string{s.URL + "/f.bin"}
				job.Clients, job.Requests, job.InsecureTLS = 3, requests, true
				res := run(t, job)
				noErrors(t, res)
				if res.Requests != requests || res.Latency.TotalCount() != requests+res.Unfinished {
					t.Errorf("%d requests, %d unfinished and %d times, want %d and as many times",
						res.Requests, res.Unfinished, res.Latency.TotalCount(), requests)
				}
				if res.Verified != tt.verifies {
					t.Errorf("%d compared, want %d", res.Verified, tt.verifies)
				}
				body := int64(size)
				if job.Kind == load.Range {
					body = job.RangeSize
				} else if strings.HasPrefix(tt.name, "empty") {
					body = 0
				}
				// Each client may have a request under way at the begin and at the end.
				if least, most := (requests-3)*body, (requests+2*3)*body; res.Bytes < least || res.Bytes > most {
					t.Errorf("%d bytes, want %d to %d", res.Bytes, least, most)
				}
				// One is the probe's, and a client may come too late for any request.
				if conns := s.conns.Load(); !tt.perConn && (conns < 1+1 || conns > 1+3) || tt.perConn && conns < requests {
					t.Errorf("%d connections for %d requests", conns, s.requests.Load())
				}
			})
		}
	}
}

func TestURLsAreRequestedInTurn(t *testing.T) {
	var mu sync.Mutex
	counts := make(map[string]int)
	s := newSite(t, "http", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		counts[r.URL.Path]++
		mu.Unlock()
		_, _ = io.WriteString(w, strings.Repeat(r.URL.Path, 1+len(r.URL.Path)%3))
	})
	urls, err := load.Expand([]string{s.URL + "/{08..11}"})
	if err != nil {
		t.Fatal(err)
	}
	noErrors(t, run(t, load.Job{Kind: load.Download, URLs: urls, Requests: 40}))
	mu.Lock()
	defer mu.Unlock()
	if len(counts) != 4 {
		t.Errorf("requested %v, want four URLs", counts)
	}
	// Each has one request of the probe and as many others, but for the last round.
	for path, n := range counts {
		if d := n - counts["/08"]; d < -1 || d > 1 || n < 10 {
			t.Errorf("%s was requested %d times, /08 %d times", path, n, counts["/08"])
		}
	}
}

func TestUploads(t *testing.T) {
	const size = 2_500_000
	var mu sync.Mutex
	stored := make(map[string]int64)
	s := newSite(t, "http", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		switch r.Method {
		case "PUT":
			if err != nil {
				return // cut off by the end of the job
			}
			if n != size {
				t.Errorf("%s has %d bytes, want %d", r.URL.Path, n, size)
			}
			stored[r.URL.Path] = n
			w.WriteHeader(http.StatusCreated)
		case "DELETE":
			delete(stored, r.URL.Path)
			w.WriteHeader(http.StatusNoContent)
		}
		if !strings.HasPrefix(r.URL.Path, "/up/sluice-bench-") {
			t.Errorf("%s of %s", r.Method, r.URL.Path)
		}
	})
	// One client, so that the end of the job can cut off one upload only.
	res := run(t, load.Job{Kind: load.Upload, URLs: []string{s.URL + "/up"}, UploadSize: size, Requests: 5})
	noErrors(t, res)
	if res.Requests != 5 || res.Bytes < 4*size || res.Bytes > 6*size {
		t.Errorf("%d uploads of %d bytes, want 5 of %d in all", res.Requests, res.Bytes, 5*size)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(stored) > 0 {
		t.Errorf("left behind: %v", stored)
	}
}

// scripted starts a server that answers the first request, which is the probe,
// properly, and all others with these bytes. Then it closes the connection, or
// resets it.
func scripted(t *testing.T, answer string, reset bool) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(all.Wait)
	t.Cleanup(func() { _ = l.Close() })
	var probed atomic.Bool
	serve := func(c net.Conn) {
		defer c.Close()
		r := bufio.NewReader(c)
		for {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			if probed.CompareAndSwap(false, true) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
				continue
			}
			_, _ = io.WriteString(c, answer)
			if reset {
				nettest.Reset(t, c.(*net.TCPConn))
			}
			return
		}
	}
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { serve(c) })
		}
	})
	return "http://" + l.Addr().String() + "/"
}

func TestHTTPErrorsAreCountedByKind(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		reset        bool
		want         string
	}{
		{"another status", "HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nhello", false, "status 503"},
		{"a redirect", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", false, "status 302"},
		{"a body cut short", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", false, "short body"},
		{"a shorter body", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhel", false, "short body"},
		{"a longer body", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!", false, "long body"},
		{"chunks cut short", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", false, "short body"},
		{"a chunk without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", false, "malformed response head"},
		{"a flipped byte", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhellp", false, "content differs"},
		{"no HTTP", "hello\r\n\r\n", false, "malformed response head"},
		{"nothing", "", false, "closed by peer"},
		{"a reset", "", true, "reset by peer"},
		{"a reset in the body", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhel", true, "reset by peer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			res := run(t, load.Job{
				Kind: load.Download, URLs: []string{scripted(t, tt.answer, tt.reset)},
				Clients: 2, Verify: 1, Duration: 50 * time.Millisecond,
			})
			if n := res.Errors[tt.want]; n == 0 || len(res.Errors) != 1 || res.Requests != 0 || res.Latency.TotalCount() != 0 {
				t.Errorf("%d requests, errors %v, want some of %q alone", res.Requests, res.Errors, tt.want)
			}
		})
	}
}

func TestAResponseWithAnotherRangeIsAnError(t *testing.T) {
	for _, tt := range []struct{ name, answer, want string }{
		{"another range", "HTTP/1.1 206 P\r\nContent-Length: 3\r\nContent-Range: bytes 1-3/5\r\n\r\nell", "another range than asked for"},
		{"no range", "HTTP/1.1 206 P\r\nContent-Length: 5\r\n\r\nhello", "another range than asked for"},
		{"all of it", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "status 200"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load.Run(t.Context(), load.Job{
				Kind: load.Range, RangeSize: 5, URLs: []string{scripted(t, tt.answer, false)}, Clients: 1, Requests: 1,
			})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAServerThatIsSilentTimesOut(t *testing.T) {
	nettest.CheckLeaks(t)
	release := make(chan struct{})
	var first atomic.Bool
	s := newSite(t, "http", func(w http.ResponseWriter, r *http.Request) {
		if !first.CompareAndSwap(false, true) {
			<-release
		}
	})
	defer close(release)
	res, err := load.Run(t.Context(), load.Job{
		Kind: load.Download, URLs: []string{s.URL}, Clients: 2, Duration: 400 * time.Millisecond, Timeout: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	if res.Errors["timeout"] == 0 || len(res.Errors) != 1 {
		t.Errorf("errors %v, want some timeouts", res.Errors)
	}
}

func TestTheFirstRequestMustWork(t *testing.T) {
	s := newSite(t, "http", func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "joe" || password != "s3 cret" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	secure := newSite(t, "https", files(1))
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = nobody.Close()
	withUser := strings.Replace(s.URL, "//", "//joe:s3%20cret@", 1)
	for _, tt := range []struct {
		name, url string
		want      []string // in the error; nil: none
	}{
		{"a user with access", withUser, nil},
		{"a user without access", s.URL, []string{s.URL, "status 401"}},
		{"an untrusted certificate", secure.URL, []string{secure.URL, "certificate", "--insecure"}},
		{"no TLS", strings.Replace(s.URL, "http", "https", 1), []string{"without TLS"}},
		{"no server", fmt.Sprintf("http://%s/", nobody.Addr()), []string{nobody.Addr().String(), "refused", "running"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load.Run(t.Context(), load.Job{Kind: load.Download, URLs: []string{tt.url}, Clients: 1, Requests: 1})
			if (err == nil) != (tt.want == nil) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("got %v, want %q in it", err, part)
				}
			}
		})
	}
}

func TestIdleClientsStay(t *testing.T) {
	nettest.CheckLeaks(t)
	const clients = 200
	s := newSite(t, "http", files(1000))
	var order []string
	res := run(t, load.Job{
		Kind: load.Idle, URLs: []string{s.URL}, Clients: clients,
		Begin: func() { order = append(order, fmt.Sprint("begin ", s.conns.Load()-1)) },
		End:   func() { order = append(order, fmt.Sprint("end ", s.conns.Load()-1)) },
	})
	noErrors(t, res)
	if got, want := strings.Join(order, ", "), "begin 0, end 200"; got != want {
		t.Errorf("hooks saw %q, want %q", got, want)
	}
	if res.Requests != clients || res.Bytes != clients*1000 {
		t.Errorf("%d clients with %d bytes, want %d with %d", res.Requests, res.Bytes, clients, clients*1000)
	}
}

func TestIdleClientsThatTheServerDisconnectsAreErrors(t *testing.T) {
	nettest.CheckLeaks(t)
	s := newSite(t, "http", files(1000))
	var counted atomic.Int64
	res := run(t, load.Job{
		Kind: load.Idle, URLs: []string{s.URL}, Clients: 20,
		Progress: func(p load.Progress) { counted.Store(p.Errors) },
		End: func() {
			s.CloseClientConnections()
			time.Sleep(100 * time.Millisecond) // until the ends have arrived; a slower machine counts fewer
		},
	})
	if n := res.Errors["closed by peer"] + res.Errors["reset by peer"]; n == 0 || res.Requests != 20 {
		t.Errorf("%d came, errors %v, want 20 and some closed", res.Requests, res.Errors)
	}
}

func TestTheEndOfTheContextEndsAJob(t *testing.T) {
	for _, tt := range []struct {
		name   string
		warmup time.Duration
		rate   float64
		kind   load.Kind
	}{
		{"in the warm-up", time.Hour, 0, load.Download},
		{"in the measurement", 0, 0, load.Download},
		{"between two requests", 0, 0.001, load.Download},
		{"while requests wait", 0, 1e5, load.Download},
		{"while clients come", 0, 0, load.Idle},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var requests atomic.Int64
			release := make(chan struct{})
			s := newSite(t, "http", func(w http.ResponseWriter, r *http.Request) {
				if requests.Add(1) > 1 {
					cancel()
					<-release
				}
			})
			defer close(release)
			if tt.rate == 0.001 {
				time.AfterFunc(100*time.Millisecond, cancel) // the second request is due in a quarter of an hour
			}
			begun, ended := 0, 0
			res, err := load.Run(ctx, load.Job{
				Kind: tt.kind, URLs: []string{s.URL}, Clients: 4, Warmup: tt.warmup, Duration: time.Hour, Rate: tt.rate,
				Begin: func() { begun++ },
				End:   func() { ended++ },
			})
			if err != nil {
				t.Fatal(err)
			}
			noErrors(t, res)
			if begun != ended || (begun == 0) != (tt.warmup > 0) || tt.kind != load.Idle && res.Requests > 0 {
				t.Errorf("%d begun, %d ended, %d requests", begun, ended, res.Requests)
			}
		})
	}
}

func TestUnexpectedContentIsAnErrorOfRun(t *testing.T) {
	const size = 10_000
	right := pattern(size)
	flipped := bytes.Clone(right)
	flipped[size-1] ^= 1
	for _, tt := range []struct {
		name   string
		kind   load.Kind
		wanted []byte
		fails  bool
	}{
		{"the content", load.Download, right, false},
		{"the content, fetched in parts", load.Range, right, false},
		{"one bit off", load.Download, flipped, true},
		{"one bit off, fetched in parts", load.Range, flipped, true},
		{"a byte less", load.Download, right[:size-1], true},
		{"none, of a kind that fetches none", load.Churn, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, "http", files(size))
			_, err := load.Run(t.Context(), load.Job{
				Kind: tt.kind, URLs: []string{s.URL + "/f.bin"}, Clients: 1, Requests: 2, RangeSize: 100,
				Content: func(string) io.Reader { return bytes.NewReader(tt.wanted) },
			})
			if failed := err != nil && strings.Contains(err.Error(), "content differs"); failed != tt.fails {
				t.Errorf("got %v, want an error: %v", err, tt.fails)
			}
		})
	}
}

func TestARedirectIsFollowedOverAConnectionOfItsOwn(t *testing.T) {
	const size, requests = 70_001, 20
	store := newSite(t, "http", files(size))
	front := newSite(t, "http", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, store.URL+r.URL.Path+"?signed=1", http.StatusTemporaryRedirect)
	})
	res := run(t, load.Job{
		Kind: load.Download, URLs: []string{front.URL + "/f"}, Clients: 2, Requests: requests, Follow: true, Verify: 1,
		Content: func(string) io.Reader { return bytes.NewReader(pattern(size)) },
	})
	noErrors(t, res)
	if res.Requests != requests || res.Verified < requests {
		t.Errorf("%d requests, %d verified, want %d of both", res.Requests, res.Verified, requests)
	}
	if n := store.conns.Load(); n != 3 {
		t.Errorf("%d connections to the other server, want one of each client and one before the measurement", n)
	}
	if n := store.requests.Load(); n < requests+1 {
		t.Errorf("%d requests to the other server, want one for each download and one before", n)
	}
}

func TestARedirectThatLeadsNowhereIsAnError(t *testing.T) {
	for _, location := range []string{"", "/elsewhere", "ftp://127.0.0.1:1/f", "http://127.0.0.1:1/f"} {
		front := newSite(t, "http", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		res, err := load.Run(t.Context(), load.Job{Kind: load.Download, URLs: []string{front.URL + "/f"}, Clients: 1, Requests: 1, Follow: true})
		if err == nil {
			t.Errorf("%q: got %+v, want an error", location, res)
		}
	}
}

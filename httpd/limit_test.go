package httpd_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/internal/rate"
	"sluice/sendfile"
)

// limitedSize at limitedRate takes half a second, but at least limitedTime: the
// first turn is free, the limit may have saved some bytes before, and there is a
// margin.
const (
	limitedSize = 500_000
	limitedRate = 1_000_000
	limitedTime = 300 * time.Millisecond
)

func TestResponsesKeepToTheirLimits(t *testing.T) {
	other := httptest.NewTLSServer(nil) // for its certificate, and a client that trusts it
	defer other.Close()
	trusted := other.Client().Transport.(*http.Transport).TLSClientConfig
	own := func(srv *httpd.Server) { handler(srv).MaxRate = limitedRate }
	all := func(srv *httpd.Server) { handler(srv).Limiter = rate.New(limitedRate) }
	for _, tt := range []struct {
		name   string
		limit  func(*httpd.Server)
		target string
		secure bool
		http2  bool
		want   bool // slow
	}{
		{"of one response", own, "/f", false, false, true},
		{"shared", all, "/f", false, false, true},
		{"both", func(srv *httpd.Server) { own(srv); all(srv) }, "/f", false, false, true},
		{"by net/http", func(srv *httpd.Server) { own(srv); srv.NoFastPath = true }, "/f", false, false, true},
		{"shared, by net/http", func(srv *httpd.Server) { all(srv); srv.NoFastPath = true }, "/f", false, false, true},
		{"at a minimum rate", func(srv *httpd.Server) { own(srv); srv.MinRate = 1 }, "/f", false, false, true},
		{"by TLS", own, "/f", true, false, true},
		{"by HTTP/2", own, "/f", true, true, true},
		{"shared, by HTTP/2", all, "/f", true, true, true},
		{"as archives", own, "/?tar", false, false, true},
		{"as archives by TLS", own, "/?zip", true, false, true},
		{"as archives that are streamed", own, "/?tar.gz", false, false, true},
		{"not for the first bytes", func(srv *httpd.Server) {
			handler(srv).MaxRate, handler(srv).RateAfter = 1, limitedSize
		}, "/f", false, false, false},
		{"not without limits", func(*httpd.Server) {}, "/f", false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var reg live.Registry
			s := serve(t, func(srv *httpd.Server) {
				watched(&reg)(srv)
				handler(srv).Archives = true
				srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates}
				tt.limit(srv)
			})
			s.pattern(t, "f", limitedSize)
			url := s.url
			if tt.secure {
				addr, served := s.serveTLS(t)
				url = "https://" + addr
				defer func() { _ = s.Close(); <-served }()
			}
			transport := &http.Transport{TLSClientConfig: trusted.Clone(), ForceAttemptHTTP2: tt.http2, DisableCompression: true}
			defer transport.CloseIdleConnections()
			begin := time.Now()
			resp, err := (&http.Client{Transport: transport}).Get(url + tt.target)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got := <-nettest.Sum(t, resp.Body)
			took := time.Since(begin)
			if tt.target == "/f" && got.SHA256 != nettest.PatternSum(0, limitedSize) || got.Err != nil {
				t.Errorf("%d other bytes, %v", got.N, got.Err)
			}
			if tt.want && took < limitedTime {
				t.Errorf("took %v, want at least %v", took, limitedTime)
			}
			record := s.report(t)
			if limited := record.Cause == live.RateLimit; limited != tt.want || record.Sent != got.N || record.Err != nil {
				t.Errorf("recorded %+v, want %d bytes", record, got.N)
			}
			method := fastMethod
			if tt.secure {
				method = sendfile.Copy
			}
			if tt.target == "/f" && record.Method != method {
				t.Errorf("method = %v, want %v", record.Method, method)
			}
		})
	}
}

// Together they are as long as the large response in the other tests.
func TestSmallResponsesKeepToTheSharedLimit(t *testing.T) {
	const size = 10_000
	for name, noFastPath := range map[string]bool{"on the fast path": false, "by net/http": true} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(srv *httpd.Server) {
				cached(srv)
				srv.NoFastPath = noFastPath
				handler(srv).Limiter = rate.New(limitedRate)
			})
			s.pattern(t, "f", size)
			c := s.dial(t)
			r := bufio.NewReader(c)
			begin := time.Now()
			for range limitedSize / size {
				_, _ = io.WriteString(c, "GET /f HTTP/1.1\r\nHost: test\r\n\r\n")
				if got := read(t, r, "GET"); sha256.Sum256([]byte(got.body)) != nettest.PatternSum(0, size) {
					t.Fatalf("%d other bytes", len(got.body))
				}
			}
			if took := time.Since(begin); took < limitedTime {
				t.Errorf("took %v, want at least %v", took, limitedTime)
			}
		})
	}
}

// A ledger is a Limiter of another program: it counts.
type ledger struct{ granted, returned atomic.Int64 }

func (l *ledger) Wait(_ context.Context, n int) (int, error) {
	n = min(n, 70_000)
	l.granted.Add(int64(n))
	return n, nil
}

func (l *ledger) Return(n int) { l.returned.Add(int64(n)) }

func TestACustomLimiterIsChargedForTheBytesSent(t *testing.T) {
	const size = 1_234_567
	for name, noFastPath := range map[string]bool{"on the fast path": false, "by net/http": true} {
		t.Run(name, func(t *testing.T) {
			var all ledger
			s := serve(t, func(srv *httpd.Server) {
				cached(srv)
				srv.NoFastPath = noFastPath
				handler(srv).Limiter, handler(srv).Archives, handler(srv).CompressListings = &all, true, true
			})
			s.pattern(t, "f", size)
			s.write(t, "small", "content")
			for _, tt := range []struct {
				method, target string
				header         http.Header
			}{
				{"GET", "/f", nil},
				{"HEAD", "/f", nil},
				{"GET", "/f", http.Header{"Range": {"bytes=5-99"}}},
				{"GET", "/f", http.Header{"Range": {"bytes=5-99,100000-400000"}}},
				{"GET", "/small", nil},
				{"GET", "/small", nil}, // from the cache
				{"GET", "/nothing", nil},
				{"GET", "/", nil},
				{"GET", "/?tar", nil},
				{"GET", "/?tar.gz", nil},
				{"OPTIONS", "/f", nil},
			} {
				before := all.granted.Load() - all.returned.Load()
				_, body := s.do(t, tt.method, tt.target, tt.header)
				s.report(t)
				if got := all.granted.Load() - all.returned.Load() - before; got != int64(len(body)) {
					t.Errorf("%s %s: charged %d bytes for %d", tt.method, tt.target, got, len(body))
				}
			}
		})
	}
}

func TestALimiterIsChargedForTheBytesReceived(t *testing.T) {
	const size = 3 << 20
	for _, tt := range []struct {
		name   string
		method sendfile.Method // of the Handler
		cut    bool
		want   sendfile.Method
	}{
		{"by splice", sendfile.Auto, false, sendfile.Splice},
		{"by copying", sendfile.Copy, false, sendfile.Copy},
		{"of a spliced body that is cut", sendfile.Auto, true, sendfile.Splice},
		{"of a copied body that is cut", sendfile.Copy, true, sendfile.Copy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var down, up ledger
			var recorded atomic.Pointer[httpd.Transfer]
			root, _ := writable(t, nil)
			ln := listenLocal(t)
			done := make(chan struct{}, 1)
			server := &httpd.Server{Handler: &httpd.Handler{
				FS: root, Write: httpd.Create, Method: tt.method, Limiter: &down, UploadLimiter: &up,
				OnTransfer: func(x httpd.Transfer) { recorded.Store(&x); done <- struct{}{} },
			}}
			go func() { _ = server.Serve(ln) }()
			defer server.Close()
			conn, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			sent := size
			if tt.cut {
				sent -= 100_000
			}
			_, _ = fmt.Fprintf(conn, "PUT /f HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
			_, _ = conn.Write(make([]byte, sent))
			if tt.cut {
				_ = conn.Close()
			}
			<-done
			got := recorded.Load()
			if charged := up.granted.Load() - up.returned.Load(); charged != got.Sent || got.Sent != int64(sent) {
				t.Errorf("charged %d bytes for %d of %d", charged, got.Sent, sent)
			}
			if got.Method != tt.want && runtime.GOOS == "linux" {
				t.Errorf("received by %v, want %v", got.Method, tt.want)
			}
			if charged := down.granted.Load() - down.returned.Load(); charged > 1000 {
				t.Errorf("the limit of responses was charged with %d bytes", charged)
			}
		})
	}
}

// The limit of bandwidth is below the minimum rate.
func TestALimitBelowTheMinimumRateCutsNobody(t *testing.T) {
	for name, noFastPath := range map[string]bool{"on the fast path": false, "by net/http": true} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(srv *httpd.Server) {
				srv.NoFastPath = noFastPath
				handler(srv).MaxRate = limitedRate
				srv.StallTimeout, srv.MinRate = 200*time.Millisecond, 5*limitedRate
			})
			s.pattern(t, "f", limitedSize)
			if _, body := s.do(t, "GET", "/f", nil); len(body) != limitedSize {
				t.Errorf("got %d bytes, want %d", len(body), limitedSize)
			}
			if record := s.report(t); record.Err != nil || record.Duration < limitedTime {
				t.Errorf("recorded %+v, want no error, after at least %v", record, limitedTime)
			}
		})
	}
}

// A client that has shut down its sending side still gets all, and one that waits for
// its turn does not hold up a shutdown.
func TestAWaitForTheLimitEndsWithTheServer(t *testing.T) {
	for _, noFastPath := range []bool{false, true} {
		t.Run(fmt.Sprintf("the client ends its side, net/http is %v", noFastPath), func(t *testing.T) {
			s := serve(t, func(srv *httpd.Server) { srv.NoFastPath, handler(srv).MaxRate = noFastPath, limitedRate })
			s.pattern(t, "f", limitedSize)
			c := s.dial(t)
			_, _ = io.WriteString(c, "GET /f HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
			_ = c.CloseWrite()
			if got := read(t, bufio.NewReader(c), "GET"); len(got.body) != limitedSize {
				t.Errorf("got %d bytes, want %d", len(got.body), limitedSize)
			}
		})
		t.Run(fmt.Sprintf("the server ends, net/http is %v", noFastPath), func(t *testing.T) {
			s := serve(t, func(srv *httpd.Server) { srv.NoFastPath, handler(srv).MaxRate = noFastPath, 10 })
			s.pattern(t, "f", limitedSize)
			c := s.dial(t)
			_, _ = io.WriteString(c, "GET /f HTTP/1.1\r\nHost: test\r\n\r\n")
			if _, err := io.ReadFull(c, make([]byte, 200)); err != nil { // the head was sent, so the response waits
				t.Fatal(err)
			}
			begin := time.Now()
			_ = s.Close()
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
			if record := s.report(t); record.Err == nil {
				t.Errorf("recorded %+v, want an error", record)
			}
		})
	}
	t.Run("as a handler of another server", func(t *testing.T) {
		h := httpd.Handler{MaxRate: limitedRate}
		s := open(t, &h, map[string]string{"f": strings.Repeat("x", limitedSize)})
		begin := time.Now()
		if w := s.request(t, "GET", "/f"); w.Body.Len() != limitedSize {
			t.Errorf("got %d bytes, want %d", w.Body.Len(), limitedSize)
		}
		if took := time.Since(begin); took < limitedTime {
			t.Errorf("took %v, want at least %v", took, limitedTime)
		}
	})
}

package httpd_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/internal/status"
)

// watched makes a site use a Registry.
func watched(reg *live.Registry) func(*httpd.Server) {
	return func(srv *httpd.Server) { cached(srv); srv.Live = reg }
}

// awaitStatus polls the Registry until its content is as wanted.
func awaitStatus(t *testing.T, reg *live.Registry, what string, wanted func(status.Snapshot) bool) status.Snapshot {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		st := live.Snapshot(reg)
		switch {
		case wanted(st):
			return st
		case time.Now().After(end):
			t.Fatalf("%s: not in %+v", what, st)
		}
	}
}

func TestAResponseIsListedWhileItIsSent(t *testing.T) {
	const size = 32 << 20
	other := httptest.NewTLSServer(nil) // for its certificate, and a client that trusts it
	defer other.Close()
	trusted := other.Client().Transport.(*http.Transport).TLSClientConfig
	for _, tt := range []struct {
		name     string
		change   func(*httpd.Server)
		http2    bool
		secure   bool
		protocol live.Protocol
	}{
		{"on the fast path", func(*httpd.Server) {}, false, false, live.HTTP},
		{"by net/http", func(srv *httpd.Server) { srv.NoFastPath = true }, false, false, live.HTTP},
		{"by TLS", func(*httpd.Server) {}, false, true, live.HTTPS},
		{"by HTTP/2", func(*httpd.Server) {}, true, true, live.HTTPS},
		{"at a minimum rate", func(srv *httpd.Server) { srv.MinRate = 1 }, false, false, live.HTTP},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var reg live.Registry
			s := serve(t, func(srv *httpd.Server) {
				watched(&reg)(srv)
				tt.change(srv)
				srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates}
			})
			s.pattern(t, "f", size)
			url := s.url
			if tt.secure {
				addr, served := s.serveTLS(t)
				url = "https://" + addr
				defer func() { _ = s.Close(); <-served }()
			}
			transport := &http.Transport{TLSClientConfig: trusted.Clone(), ForceAttemptHTTP2: tt.http2}
			defer transport.CloseIdleConnections()
			resp, err := (&http.Client{Transport: transport}).Get(url + "/f")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			st := awaitStatus(t, &reg, "a transfer", func(st status.Snapshot) bool {
				return len(st.Sessions) == 1 && len(st.Sessions[0].Transfers) == 1 && st.Sessions[0].Transfers[0].Moved > 0
			})
			session := st.Sessions[0]
			if session.Protocol != tt.protocol.String() || session.State != "sending" || session.Remote == "" || session.Local == "" {
				t.Errorf("got %+v", session)
			}
			transfer := session.Transfers[0]
			if transfer.Op != "GET" || transfer.Path != "/f" || transfer.Size == nil || *transfer.Size != size || transfer.Moved >= size {
				t.Errorf("got %+v", transfer)
			}
			if tt.http2 != (transfer.Confirmed == nil) && runtime.GOOS == "linux" {
				t.Errorf("confirmed is %v", transfer.Confirmed)
			}
			if g := <-nettest.Sum(t, resp.Body); g.SHA256 != nettest.PatternSum(0, size) {
				t.Errorf("%d other bytes, %v", g.N, g.Err)
			}
			st = awaitStatus(t, &reg, "its end", func(st status.Snapshot) bool { return len(st.Totals.Transfers) == 1 })
			total := st.Totals.Transfers[0]
			if total.Protocol != tt.protocol.String() || total.Result != "complete" || total.Count != 1 || total.Bytes != size || total.Method == "" {
				t.Errorf("got %+v", total)
			}
		})
	}
}

func TestSmallResponsesAreCounted(t *testing.T) {
	for name, noFastPath := range map[string]bool{"on the fast path": false, "by net/http": true} {
		t.Run(name, func(t *testing.T) {
			var reg live.Registry
			s := serve(t, func(srv *httpd.Server) { watched(&reg)(srv); srv.NoFastPath = noFastPath })
			s.write(t, "a", "content")
			c := s.dial(t)
			r := bufio.NewReader(c)
			for range 3 {
				_, _ = io.WriteString(c, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
				read(t, r, "GET")
			}
			st := awaitStatus(t, &reg, "three answers", func(st status.Snapshot) bool { return st.Sessions[0].Requests == 3 })
			if got := st.Sessions[0]; got.Sent != 21 || got.State != "idle" || got.Command != "" || len(st.Totals.Transfers) != 0 {
				t.Errorf("got %+v", got)
			}
			_ = c.Close()
			st = awaitStatus(t, &reg, "the end", func(st status.Snapshot) bool { return len(st.Sessions) == 0 })
			if got := st.Totals.Protocols[0]; got.Requests != 3 || got.Connections != 1 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestKillCutsAConnection(t *testing.T) {
	var reg live.Registry
	s := serve(t, watched(&reg))
	s.pattern(t, "f", 32<<20)
	c := s.dial(t)
	_, _ = io.WriteString(c, "GET /f HTTP/1.1\r\nHost: a\r\n\r\n")
	st := awaitStatus(t, &reg, "a transfer", func(st status.Snapshot) bool {
		return len(st.Sessions) == 1 && len(st.Sessions[0].Transfers) == 1
	})
	if !reg.Kill(st.Sessions[0].ID) {
		t.Error("there is no such session")
	}
	if record := s.report(t); record.Err == nil {
		t.Errorf("recorded %+v, want an error", record)
	}
	st = awaitStatus(t, &reg, "its end", func(st status.Snapshot) bool { return len(st.Sessions) == 0 })
	if got := st.Totals.Transfers[0].Result; got != "cut" {
		t.Errorf("result %q, want that we have cut it", got)
	}
}

func TestServersShareTheirLimits(t *testing.T) {
	reg := live.Registry{MaxConns: 1}
	one, two := serve(t, watched(&reg)), serve(t, watched(&reg))
	one.write(t, "a", "a")
	get := func(c net.Conn) int {
		_, _ = io.WriteString(c, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
		return read(t, bufio.NewReader(c), "GET").status
	}
	first := one.dial(t)
	if got := get(first); got != 200 {
		t.Errorf("the first: got %d", got)
	}
	if got := get(two.dial(t)); got != 503 {
		t.Errorf("the second, at the other server: got %d, want 503", got)
	}
}

func TestATransferHasItsCause(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux reports it")
	}
	var reg live.Registry
	s := serve(t, watched(&reg))
	s.pattern(t, "f", 32<<20)
	c := s.dial(t)
	_, _ = io.WriteString(c, "GET /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	awaitStatus(t, &reg, "the cause", func(st status.Snapshot) bool {
		return len(st.Sessions) == 1 && len(st.Sessions[0].Transfers) == 1 && st.Sessions[0].Transfers[0].Cause == "receiver"
	})
	_, _ = io.Copy(io.Discard, c)
	if record := s.report(t); record.Cause != live.Receiver || record.RTT <= 0 || record.Retransmits < 0 || record.Err != nil {
		t.Errorf("got %+v", record)
	}
	s.write(t, "a", "a")
	s.do(t, "GET", "/a", nil)
	if record := s.report(t); record.Cause != live.Unknown || record.RTT != 0 || record.Retransmits != -1 {
		t.Errorf("a small one: got %+v", record)
	}
}

func TestServerTiming(t *testing.T) {
	const plan = `plan;dur=[0-9]+(\.[0-9]{1,3})?$`
	s := serve(t, func(srv *httpd.Server) { cached(srv); handler(srv).ServerTiming = true })
	slow := serve(t, func(srv *httpd.Server) { cached(srv); handler(srv).ServerTiming = true; srv.NoFastPath = true })
	silent := serve(t, cached)
	for _, each := range []*site{s, slow, silent} {
		each.write(t, "a", "a")
	}
	for _, tt := range []struct {
		name string
		at   *site
		want string
	}{
		{"the first time", s, "^" + plan},
		{"from the cache", s, "^cache;desc=hit, " + plan},
		{"by net/http", slow, "^" + plan},
		{"without the field", silent, "^$"},
	} {
		resp, _ := tt.at.do(t, "GET", "/a", nil)
		if got := resp.Header.Get("Server-Timing"); !regexp.MustCompile(tt.want).MatchString(got) {
			t.Errorf("%s: got %q, want %s", tt.name, got, tt.want)
		}
	}
}

func TestRefererAndAgentAreReported(t *testing.T) {
	header := http.Header{"Referer": {"http://a/"}, "User-Agent": {"test/1"}}
	for name, change := range map[string]func(*httpd.Server){
		"on the fast path": nil,
		"by net/http":      func(srv *httpd.Server) { srv.NoFastPath = true },
	} {
		s := serve(t, change)
		s.write(t, "a", "a")
		s.do(t, "GET", "/a", header)
		if record := s.report(t); record.Referer != "http://a/" || record.UserAgent != "test/1" {
			t.Errorf("%s: got %q and %q", name, record.Referer, record.UserAgent)
		}
	}
}

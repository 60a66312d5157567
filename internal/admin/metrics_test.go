package admin

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

func TestMetricsAreLintClean(t *testing.T) {
	h := withSessions(t)
	defer h.Close()
	_, body := get(t, h, "/metrics")
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetricsAreComplete(t *testing.T) {
	h := withSessions(t)
	defer h.Close()
	_, body := get(t, h, "/metrics")
	for _, f := range slices.Concat(families, processFamilies, hostFamilies) {
		name := regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(f.String())[1]
		if onLinux && !strings.Contains(body, "\n"+name+" ") && !strings.Contains(body, "\n"+name+"{") {
			t.Errorf("%s is missing", name)
		}
	}
	for _, line := range []string{
		`sluice_build_info{goversion="go`,
		`sluice_connections_total{protocol="http"} 2`,
		`sluice_connections_refused_total{protocol="ftps"} 0`,
		`sluice_requests_total{protocol="https"} 2`,
		`sluice_sent_bytes_total{method="sendfile",protocol="http"} 5000`,
		`sluice_sent_bytes_total{method="splice",protocol="ftp"} 1000`,
		`sluice_received_bytes_total{method="splice",protocol="ftp"} 1000`,
		`sluice_transfers_total{cause="unknown",direction="in",method="splice",protocol="ftps",result="complete"} 1`,
		`sluice_transfer_bytes_total{cause="unknown",direction="out",method="splice",protocol="http",result="complete"} 1000`,
		`sluice_transfer_duration_seconds_count{direction="in",protocol="ftp"} 1`,
		`sluice_transfer_rate_bytes_per_second_count{direction="out",protocol="http"} 1`,
		`sluice_transfers_running{cause="unknown",direction="out",protocol="http"} 1`,
		`sluice_sessions{protocol="http",state="sending"} 1`,
		`sluice_sessions{protocol="ftp",state="login"} 1`,
		`sluice_sessions_limit{scope="all"} 100`,
		`sluice_sessions_limit{scope="address"} 50`,
		`sluice_sessions_limit{scope="user"} 5`,
		`sluice_sessions_limit{scope="ftp_address"} 4`,
		`sluice_http_loop_connections{address="127.0.0.1:8080",loop="0"} 3`,
		`sluice_http_loop_sending{address="127.0.0.1:8080",loop="0"} 1`,
		`sluice_http_loop_accepted_total{address="127.0.0.1:8080",loop="0"} 20`,
		`sluice_http_loop_silent_total{address="127.0.0.1:8080",loop="0"} 2`,
		`sluice_http_loop_turns_total{address="127.0.0.1:8080",loop="0"} 99`,
		`sluice_http_loop_workers_total{address="127.0.0.1:8080",loop="0"} 5`,
		`sluice_http_loop_replaced_total{address="127.0.0.1:8080",loop="0"} 1`,
		`sluice_http_loop_replaced_total{address="127.0.0.1:8080",loop="1"} 0`,
		`sluice_budget_units{pool="files_in_archives"} 300000`,
		`sluice_budget_units_in_use{pool="checksums"} 0`,
		`sluice_budget_units{pool="buffers_of_HTTP/2"} 1024`,
		`sluice_budget_refusals_total{pool="logins"} 0`,
		`sluice_passive_ports_in_use 2`,
		`sluice_passive_ports_limit 10`,
		`sluice_uploads_refused_total{reason="quota-bytes"} 3`,
		`sluice_log_dropped_lines_total 6`,
		`sluice_file_cache_open_files 3`,
		`sluice_file_cache_opens_total 7`,
		`go_goroutines `,
	} {
		if !strings.Contains(body, "\n"+line) {
			t.Errorf("got no line %s", line)
		}
	}
}

// Series of a protocol with a listener are 0, so alerts never see an absent one; other
// protocols have no series.
func TestMetricsOfAnIdleServer(t *testing.T) {
	h := &Handler{Live: new(live.Registry), Listeners: []Listener{{"ftp", listen(t, "tcp", "127.0.0.1:0")}}}
	defer h.Close()
	_, body := get(t, h, "/metrics")
	for _, line := range []string{
		`sluice_connections_total{protocol="ftp"} 0`,
		`sluice_sessions{protocol="ftp",state="idle"} 0`,
		`sluice_sessions{protocol="ftp",state="login"} 0`,
		`sluice_transfers_running{cause="receiver",direction="in",protocol="ftp"} 0`,
		`sluice_transfers_running{cause="rate limit",direction="out",protocol="ftp"} 0`,
		`sluice_transfers_running{cause="sender",direction="in",protocol="ftp"} 0`,
	} {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("got no line %s", line)
		}
	}
	if strings.Contains(body, `protocol="http"`) {
		t.Error("got series of a protocol without a listener")
	}
	if strings.Contains(body, "sluice_http_loop_") {
		t.Error("got series of event loops, of which there are none")
	}
}

// Each metric has a description with the same name and labels.
func TestCollectorsArePedantic(t *testing.T) {
	h := withSessions(t)
	defer h.Close()
	h.once.Do(h.prepare)
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(collector{h}, processCollector{h})
	if _, err := reg.Gather(); err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(processCollector{h}); onLinux && n < len(processFamilies) {
		t.Errorf("got %d metrics of the process, want %d", n, len(processFamilies))
	}
}

func TestHistogramsOfTransfers(t *testing.T) {
	h := &Handler{Live: new(live.Registry)}
	defer h.Close()
	for _, rec := range []live.Record{
		{Result: sendfile.Result{Sent: 5e6}, Duration: time.Second},
		{Result: sendfile.Result{Sent: 5e7}, Duration: 2 * time.Second},
		{Result: sendfile.Result{Sent: 0}, Duration: 20 * time.Second}, // has no rate
		{Result: sendfile.Result{Sent: 10}, Duration: 0},               // its rate is unknown
	} {
		rec.Watched = true
		h.OnTransfer(rec)
	}
	h.OnTransfer(live.Record{Result: sendfile.Result{Sent: 100}, Duration: time.Second}) // too small to be a transfer
	_, body := get(t, h, "/metrics")
	for _, line := range []string{
		`sluice_transfer_rate_bytes_per_second_bucket{direction="out",protocol="http",le="3e+06"} 0`,
		`sluice_transfer_rate_bytes_per_second_bucket{direction="out",protocol="http",le="1e+07"} 1`,
		`sluice_transfer_rate_bytes_per_second_bucket{direction="out",protocol="http",le="3e+07"} 2`,
		`sluice_transfer_rate_bytes_per_second_count{direction="out",protocol="http"} 2`,
		`sluice_transfer_duration_seconds_bucket{direction="out",protocol="http",le="0.001"} 1`,
		`sluice_transfer_duration_seconds_bucket{direction="out",protocol="http",le="1"} 2`,
		`sluice_transfer_duration_seconds_bucket{direction="out",protocol="http",le="30"} 4`,
	} {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("got no line %s", line)
		}
	}
}

// During scrapes of 2,000 running transfers no counter goes back, and at the end no
// byte is missing.
func TestScrapeDuringTransfers(t *testing.T) {
	nettest.CheckLeaks(t)
	const (
		clients = 2000
		chunks  = 20
		chunk   = 1000
	)
	h := &Handler{Live: new(live.Registry)}
	h.Live.OnTransfer = h.OnTransfer
	defer h.Close()

	var running sync.WaitGroup
	begun, scraped := make(chan struct{}, clients), make(chan struct{})
	for range clients {
		running.Go(func() {
			s, err := live.Enter(h.Live, live.Client{Protocol: live.FTP})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Leave()
			tr := s.Begin(live.Job{Op: "RETR", Path: "/a", Size: chunks * chunk})
			begun <- struct{}{}
			for n := range chunks {
				tr.Progress(sendfile.Result{Sent: int64(n) * chunk, Method: sendfile.Sendfile})
				if n == chunks/2 {
					<-scraped // so that all run at once
				}
			}
			rec := tr.End(sendfile.Result{Sent: chunks * chunk, Method: sendfile.Sendfile}, nil)
			s.Report(&rec, nil)
		})
	}
	ended := make(chan struct{})
	go func() { running.Wait(); close(ended) }()

	for range clients {
		<-begun
	}
	if _, body := get(t, h, "/metrics"); value(t, body, `sluice_sessions{protocol="ftp",state="sending"}`) != clients {
		t.Error("not all sessions are counted")
	}
	close(scraped)
	var before float64
	for scrapes, done := 0, false; !done; scrapes++ {
		select {
		case <-ended:
			done = true
		default:
		}
		_, body := get(t, h, "/metrics")
		sent := value(t, body, `sluice_sent_bytes_total{method="sendfile",protocol="ftp"}`)
		if sent < before {
			t.Fatalf("scrape %d: got %v bytes after %v", scrapes, sent, before)
		}
		before = sent
	}
	if want := float64(clients * chunks * chunk); before != want {
		t.Errorf("got %v bytes in all, want %v", before, want)
	}
	_, body := get(t, h, "/metrics")
	for _, name := range []string{
		`sluice_transfers_total{cause="unknown",direction="out",method="sendfile",protocol="ftp",result="complete"}`,
		`sluice_transfer_duration_seconds_count{direction="out",protocol="ftp"}`,
		`sluice_connections_total{protocol="ftp"}`,
	} {
		if got := value(t, body, name); got != clients {
			t.Errorf("%s: got %v, want %d", name, got, clients)
		}
	}
}

// value returns the value of a metric; 0 if it is absent.
func value(t *testing.T, body, name string) float64 {
	t.Helper()
	_, rest, found := strings.Cut(body, "\n"+name+" ")
	if !found {
		return 0
	}
	text, _, _ := strings.Cut(rest, "\n")
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func BenchmarkScrape(b *testing.B) {
	for _, sessions := range []int{0, 2000} {
		b.Run(fmt.Sprintf("sessions=%d", sessions), func(b *testing.B) {
			h := &Handler{Live: new(live.Registry)}
			defer h.Close()
			for range sessions {
				s, err := live.Enter(h.Live, live.Client{Protocol: live.HTTP})
				if err != nil {
					b.Fatal(err)
				}
				defer s.Begin(live.Job{Op: "GET", Path: "/a", Size: 1000}).End(sendfile.Result{}, nil)
			}
			b.ReportAllocs()
			for b.Loop() {
				if resp := do(h, loopback, request("GET", "/metrics")); resp.StatusCode != 200 {
					b.Fatal(resp.Status)
				}
			}
		})
	}
}

//go:build e2e

package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// adminOf returns the address of the admin listener, from the log.
func adminOf(s *server) string {
	s.t.Helper()
	opened := regexp.MustCompile(`the admin listener is open" addr=(\S+)`)
	lines := s.log.await(1, patience, opened.MatchString)
	if len(lines) == 0 {
		s.t.Fatalf("no admin listener; log:\n%s", s.log)
	}
	return opened.FindStringSubmatch(lines[0])[1]
}

func TestMetricsCountWhatWasServed(t *testing.T) {
	s := start(t, "--admin", "127.0.0.1:0")
	s.file("a.bin", 1<<20)
	run(t, t.TempDir(), "curl", "-sSo", "a.bin", s.http.String()+"a.bin")
	metrics := run(t, t.TempDir(), "curl", "-sS", "http://"+adminOf(s)+"/metrics")
	for _, line := range []string{
		`sluice_sent_bytes_total{method="sendfile",protocol="http"} 1.048576e+06`,
		`sluice_transfer_duration_seconds_count{direction="out",protocol="http"} 1`,
		`sluice_connections_total{protocol="http"} 1`,
	} {
		if !strings.Contains(metrics, "\n"+line+"\n") {
			t.Errorf("got no line %s in\n%s", line, metrics)
		}
	}
}

// The admin listener closes last, so a load balancer can see that a server drains.
func TestHealthzReportsDraining(t *testing.T) {
	s := start(t, "--admin", "127.0.0.1:0")
	s.file("big.bin", 64<<20)
	health := func() int {
		resp, err := http.Get("http://" + adminOf(s) + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	defer http.DefaultClient.CloseIdleConnections()
	if got := health(); got != 200 {
		t.Errorf("got %d, want 200", got)
	}
	held, err := http.Get(s.http.String() + "big.bin")
	if err != nil {
		t.Fatal(err)
	}
	s.signal(syscall.SIGTERM)
	wantRefused(t, s.http.Host)
	if got := health(); got != 503 {
		t.Errorf("while it drains: got %d, want 503", got)
	}
	_ = held.Body.Close()
	s.wantExit(patience)
	wantRefused(t, adminOf(s))
}

// A browser may send requests for an attacker's host name that resolves to this
// machine.
func TestDNSRebindingDoesNotReachTheAdminListener(t *testing.T) {
	s := start(t, "--admin", "127.0.0.1:0")
	addr := adminOf(s)
	_, port, _ := strings.Cut(addr, ":")
	got := run(t, t.TempDir(), "curl", "-sSo", "answer", "-w", "%{http_code}",
		"--resolve", "rebind.example:"+port+":127.0.0.1", "http://rebind.example:"+port+"/status.json")
	if got != "421" {
		t.Errorf("got %s, want 421", got)
	}
}

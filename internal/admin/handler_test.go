package admin

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice/internal/live"
	"sluice/internal/mounts"
	"sluice/internal/nettest"
)

func TestHealth(t *testing.T) {
	h := &Handler{Live: new(live.Registry)}
	defer h.Close()
	if status, body := get(t, h, "/healthz"); status != 200 || body != "ok\n" {
		t.Errorf("got %d %q, want 200 ok", status, body)
	}
	h.Drain()
	if status, body := get(t, h, "/healthz"); status != 503 || body != "draining\n" {
		t.Errorf("while it drains: got %d %q, want 503 draining", status, body)
	}
	if _, body := get(t, h, "/metrics"); !strings.Contains(body, "\nsluice_draining 1\n") {
		t.Error("while it drains: /metrics does not show it")
	}
	if !h.Status().Server.Draining {
		t.Error("while it drains: the status does not show it")
	}
}

func TestHealthNamesFileSystemsThatHangToOperatorsAlone(t *testing.T) {
	const token = "0123456789abcdef"
	for _, tt := range []struct {
		name, token, shown string
		hung               bool
		want               string
	}{
		{"none hangs", "", "", false, "ok\n"},
		{"on loopback without a token", "", "", true, "ok\nfile system does not answer: \"/srv/nfs\"\n"},
		{"with the token", token, token, true, "ok\nfile system does not answer: \"/srv/nfs\"\n"},
		{"without the token", token, "", true, "ok\nfile systems that do not answer: 1\n"},
		{"without the token, and none hangs", token, "", false, "ok\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &Handler{Live: new(live.Registry), Token: tt.token, Mounts: func() []mounts.State {
				return []mounts.State{{Point: "/", Inside: 3}, {Point: "/srv/nfs", Inside: 64, Hung: tt.hung}}
			}}
			defer h.Close()
			r := httptest.NewRequest(http.MethodGet, "http://localhost/healthz", nil)
			if tt.shown != "" {
				r.Header.Set("Authorization", "Bearer "+tt.shown)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if got := w.Body.String(); w.Code != 200 || got != tt.want {
				t.Errorf("got %d %q, want 200 %q", w.Code, got, tt.want)
			}
		})
	}
}

func TestHealthIsThatOfTheFilesToo(t *testing.T) {
	why := ""
	h := &Handler{Live: new(live.Registry), Ready: func() string { return why }}
	defer h.Close()
	if status, body := get(t, h, "/healthz"); status != 200 || body != "ok\n" {
		t.Errorf("got %d %q, want 200 ok", status, body)
	}
	why = "the object store does not answer"
	if status, body := get(t, h, "/healthz"); status != 503 || body != why+"\n" {
		t.Errorf("got %d %q, want 503 and the reason", status, body)
	}
}

func TestRequestsToAStoreAreShown(t *testing.T) {
	store := NewStore([]string{"get", "list"}, func() int { return 3 })
	store.Observe("get", "ok", 20*time.Millisecond)
	store.Observe("get", "busy", time.Second)
	h := &Handler{Live: new(live.Registry), Store: store}
	defer h.Close()
	_, body := get(t, h, "/metrics")
	for _, line := range []string{
		`sluice_store_requests_total{operation="get",result="ok"} 1`,
		`sluice_store_requests_total{operation="get",result="busy"} 1`,
		`sluice_store_requests_total{operation="list",result="failed"} 0`,
		`sluice_store_request_duration_seconds_count{operation="get"} 2`,
		`sluice_store_request_duration_seconds_count{operation="list"} 0`,
		`sluice_store_connections_in_use 3`,
	} {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("got no line %s", line)
		}
	}
	none := &Handler{Live: new(live.Registry)}
	defer none.Close()
	if _, body := get(t, none, "/metrics"); strings.Contains(body, "sluice_store") {
		t.Error("a server without a store shows one")
	}
}

func TestProfiles(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		pprof      bool
		want       int
		text       string
	}{
		{"are off by default", "/debug/pprof/heap", false, 404, "--admin-pprof"},
		{"are listed", "/debug/pprof/", true, 200, "goroutine"},
		{"are shown", "/debug/pprof/goroutine?debug=1", true, 200, "goroutine profile"},
		{"have the command line", "/debug/pprof/cmdline", true, 200, "admin.test"},
		{"have symbols", "/debug/pprof/symbol", true, 200, "num_symbols"},
		{"do not exist", "/debug/pprof/nothing", true, 404, "Unknown profile"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &Handler{Live: new(live.Registry), Pprof: tt.pprof}
			defer h.Close()
			status, body := get(t, h, tt.path)
			if status != tt.want || !strings.Contains(body, tt.text) {
				t.Errorf("got %d %q, want %d and %q", status, body, tt.want, tt.text)
			}
		})
	}
}

func TestKill(t *testing.T) {
	nettest.CheckLeaks(t)
	var cut uint64
	h := &Handler{Live: new(live.Registry), OnKill: func(id uint64, _ string) { cut = id }}
	c := client(t, serve(t, h), "")
	server, peer := nettest.Pair(t)
	s := enter(t, h.Live, live.HTTP, server)
	if err := c.Kill(t.Context(), s.ID()+1); !errors.Is(err, ErrNoSession) {
		t.Errorf("an unknown session: got %v, want ErrNoSession", err)
	}
	if cut != 0 {
		t.Errorf("OnKill was called with %d", cut)
	}
	if err := c.Kill(t.Context(), s.ID()); err != nil {
		t.Fatal(err)
	}
	if cut != s.ID() {
		t.Errorf("OnKill was called with %d, want %d", cut, s.ID())
	}
	if _, err := peer.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the client of the session reads %v, want its end", err)
	}
}

func TestKillWantsANumber(t *testing.T) {
	h := &Handler{Live: new(live.Registry)}
	defer h.Close()
	for _, id := range []string{"x", "-1", "18446744073709551616", "1x"} {
		if got := do(h, loopback, request(http.MethodDelete, "/sessions/"+id)).StatusCode; got != 400 {
			t.Errorf("%s: got %d, want 400", id, got)
		}
	}
}

func TestResponsesAreNotCached(t *testing.T) {
	h := withSessions(t)
	defer h.Close()
	for _, path := range []string{"/", "/metrics", "/status.json", "/healthz", "/nowhere"} {
		resp := do(h, loopback, request(http.MethodGet, path))
		if got := resp.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: got Cache-Control %q, want no-store", path, got)
		}
		if got := resp.Header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: got X-Content-Type-Options %q, want nosniff", path, got)
		}
	}
}

package admin

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"sluice/internal/budget"
	"sluice/internal/filecache"
	"sluice/internal/live"
	"sluice/internal/mounts"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

const token = "a-token-that-nobody-guesses"

// serve serves the handler on loopback until the test ends, and returns the
// address.
func serve(t *testing.T, h *Handler) string {
	t.Helper()
	return serveOn(t, h, listen(t, "tcp", "127.0.0.1:0"))
}

func listen(t *testing.T, network, addr string) net.Listener {
	t.Helper()
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(t.Context(), network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

func serveOn(t *testing.T, h *Handler, ln net.Listener) string {
	t.Helper()
	s := httptest.Server{Listener: ln, Config: &http.Server{Handler: h, ReadHeaderTimeout: clientTimeout}}
	s.Start()
	t.Cleanup(func() {
		s.Close()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// serveUnix is serve on a unix socket; it returns "unix:PATH".
func serveUnix(t *testing.T, h *Handler) string {
	t.Helper()
	return "unix:" + serveOn(t, h, listen(t, "unix", filepath.Join(nettest.TempDir(t), "s")))
}

// client returns a Client of addr.
func client(t *testing.T, addr, token string) *Client {
	t.Helper()
	c, err := NewClient(addr, token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// do sends a request to a handler, as received on a local address.
func do(h *Handler, local net.Addr, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local)))
	return w.Result()
}

// get requests a path from a handler.
func get(t *testing.T, h *Handler, path string) (status int, body string) {
	t.Helper()
	resp := do(h, loopback, request(http.MethodGet, path))
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

var loopback = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9180}

// request returns a request as a program on this machine sends it.
func request(method, path string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	r.Host = "127.0.0.1:9180"
	return r
}

// enter adds a session.
func enter(t *testing.T, reg *live.Registry, p live.Protocol, c net.Conn) *live.Session {
	t.Helper()
	s, err := live.Enter(reg, live.Client{Protocol: p, Remote: netip.MustParseAddrPort("192.0.2.7:4711"), Conn: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Leave)
	return s
}

// withSessions returns a Handler with a value for each metric: sessions of all
// protocols, ended transfers and a running one.
func withSessions(t *testing.T) *Handler {
	t.Helper()
	h := &Handler{
		Live: &live.Registry{MaxConns: 100, MaxConnsPerAddr: 50, MaxConnsPerUser: 5, MaxFTPConnsPerAddr: 4, Started: time.Unix(1e9, 0)}, Version: "1.2.3",
		Listeners:    []Listener{{"http", listen(t, "tcp", "127.0.0.1:0")}},
		Cache:        func() filecache.Stats { return filecache.Stats{Entries: 4, Files: 3, Memory: 2000, Opens: 7} },
		PassivePorts: func() (used, total int) { return 2, 10 },

		Loops: func() []Loop {
			return []Loop{
				{Address: "127.0.0.1:8080", Connections: 3, Sending: 1, Accepted: 20, Silent: 2, Turns: 99, Workers: 5, Replaced: 1},
				{Address: "127.0.0.1:8080", Number: 1},
			}
		},

		Budget: budget.New(),
		Mounts: func() []mounts.State {
			return []mounts.State{{Point: "/srv/nfs", Inside: 64, Hung: true, Refused: 2}}
		},

		RefusedUploads: func() map[string]uint64 { return map[string]uint64{"quota-bytes": 3} },
		LogDropped:     func() uint64 { return 6 },
	}
	h.Live.OnTransfer = h.OnTransfer
	for _, p := range []live.Protocol{live.HTTP, live.HTTPS, live.FTP, live.FTPS} {
		s := enter(t, h.Live, p, nil)
		for _, upload := range []bool{false, true} {
			rec := s.Begin(live.Job{Op: "STOR", Path: "/a", Size: 1000, Upload: upload}).End(sendfile.Result{Sent: 1000, Method: sendfile.Splice}, nil)
			s.Report(&rec, nil)
		}
	}
	running := enter(t, h.Live, live.HTTP, nil).Begin(live.Job{Op: "GET", Path: "/b", Size: 1 << 30})
	running.Progress(sendfile.Result{Sent: 5000, Method: sendfile.Sendfile})
	t.Cleanup(func() { running.End(sendfile.Result{}, nil) })
	return h
}

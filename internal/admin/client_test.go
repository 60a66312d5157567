package admin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/live"
	"sluice/internal/nettest"
)

func TestClient(t *testing.T) {
	for _, tt := range []struct {
		name  string
		token string
		serve func(*testing.T, *Handler) string
	}{
		{"an address", "", serve},
		{"an address with a token", token, serve},
		{"a URL", "", func(t *testing.T, h *Handler) string { return "http://" + serve(t, h) + "/" }},
		{"a unix socket", "", serveUnix},
		{"only a port", "", func(t *testing.T, h *Handler) string {
			_, port, err := net.SplitHostPort(serve(t, h))
			if err != nil {
				t.Fatal(err)
			}
			return ":" + port
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			h := withSessions(t)
			h.Token = tt.token
			st, err := client(t, tt.serve(t, h), tt.token).Status(t.Context(), Sessions)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := len(st.Sessions), 5; got != want {
				t.Errorf("got %d sessions, want %d", got, want)
			}
			if got, want := st.Server.PID, os.Getpid(); got != want {
				t.Errorf("got the PID %d, want %d", got, want)
			}
			if got, want := st.Sessions[2].Protocol, live.FTP.String(); got != want {
				t.Errorf("got the protocol %v, want %v", got, want)
			}
		})
	}
}

func TestClientFindsPeers(t *testing.T) {
	h := &Handler{Live: new(live.Registry)}
	server, peer := nettest.Pair(t)
	s, err := live.Enter(h.Live, live.Client{Protocol: live.HTTP, Remote: live.AddrPortOf(peer.LocalAddr()), Conn: server})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Leave()
	c := client(t, serve(t, h), "")
	st, err := c.Status(t.Context(), Peers)
	if err != nil {
		t.Fatal(err)
	}
	found := st.Sessions[0].Peer
	if onLinux && (found == nil || found.PID == nil || *found.PID != os.Getpid()) {
		t.Errorf("got the peer %+v, want the PID %d", found, os.Getpid())
	}
	if st, err = c.Status(t.Context(), Sessions); err != nil {
		t.Fatal(err)
	}
	if st.Sessions[0].Peer != nil {
		t.Error("got a peer without asking for it")
	}
}

func TestClientErrors(t *testing.T) {
	responds := func(status int, body string) func(*testing.T) string {
		return func(t *testing.T) string {
			ln := listen(t, "tcp", "127.0.0.1:0")
			s := &http.Server{ReadHeaderTimeout: clientTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			})}
			done := make(chan struct{})
			go func() { defer close(done); _ = s.Serve(ln) }()
			t.Cleanup(func() { _ = s.Close(); <-done })
			return ln.Addr().String()
		}
	}
	dial := func(err error) bool {
		var op *net.OpError
		return errors.As(err, &op) && op.Op == "dial"
	}
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	for _, tt := range []struct {
		name  string
		addr  func(*testing.T) string
		want  func(error) bool
		token string
	}{
		{"no server", func(t *testing.T) string {
			ln := listen(t, "tcp", "127.0.0.1:0")
			_ = ln.Close()
			return ln.Addr().String()
		}, dial, ""},
		{"no unix socket", func(t *testing.T) string { return "unix:" + filepath.Join(t.TempDir(), "s") }, dial, ""},
		{"no token", func(t *testing.T) string { return serve(t, &Handler{Live: new(live.Registry), Token: token}) }, is(ErrToken), ""},
		{"another token", func(t *testing.T) string { return serve(t, &Handler{Live: new(live.Registry), Token: token}) }, is(ErrToken), "another-token-than-that"},
		{"another program", responds(200, "<html>"), is(ErrNotSluice), ""},
		{"another program with JSON", responds(200, `{"a": 1}`), is(ErrNotSluice), ""},
		{"a program without such a page", responds(404, ""), is(ErrNotSluice), ""},
		{"a redirect", responds(302, ""), is(ErrNotSluice), ""},
		{"another version", responds(200, `{"schema": 999}`), is(ErrSchema), ""},
		{"an incomplete response", responds(200, `{"schema": 2, "sessions": [`), is(ErrNotSluice), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			st, err := client(t, tt.addr(t), tt.token).Status(t.Context(), Sessions)
			if err == nil || !tt.want(err) {
				t.Errorf("got %v, %v", st, err)
			}
			if err != nil && strings.Contains(err.Error(), "token-than") {
				t.Error("the error contains the token")
			}
		})
	}
}

func TestClientEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := &Handler{Live: new(live.Registry)}
	if _, err := client(t, serve(t, h), "").Status(ctx, Sessions); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestNewClientRefuses(t *testing.T) {
	for _, addr := range []string{"", "9180", "127.0.0.1", "ftp://127.0.0.1/", "http://", "http://%zz/"} {
		if _, err := NewClient(addr, ""); err == nil {
			t.Errorf("%q is accepted as an address", addr)
		}
	}
}

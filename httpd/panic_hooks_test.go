package httpd_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/internal/live"
	"sluice/internal/nettest"
)

// A panic of any function of a program ends one request at most, or its connection. The next client is served as ever.
func TestAPanicOfAnyHookEndsOneRequest(t *testing.T) {
	needsRemoval(t)
	other := httptest.NewTLSServer(nil) // for its certificate
	defer other.Close()
	const quota = 50_000
	for _, tt := range []struct {
		name string
		set  func(srv *httpd.Server, f func())
	}{
		{"Login", func(srv *httpd.Server, f func()) {
			login := srv.Login
			srv.Login = func(ctx context.Context, c httpd.Client, user, password string) (*httpd.Account, error) {
				f()
				return login(ctx, c, user, password)
			}
		}},
		{"Guests", func(srv *httpd.Server, f func()) { srv.Guests = func(netip.Addr) bool { f(); return true } }},
		{"Server.OnTransfer", func(srv *httpd.Server, f func()) { srv.OnTransfer = func(httpd.Transfer) { f() } }},
		{"Handler.OnTransfer", func(srv *httpd.Server, f func()) { handler(srv).OnTransfer = func(httpd.Transfer) { f() } }},
		{"Registry.OnTransfer", func(srv *httpd.Server, f func()) { srv.Live = &live.Registry{OnTransfer: func(live.Record) { f() }} }},
		{"Limiter", func(srv *httpd.Server, f func()) { handler(srv).Limiter = hooked(f) }},
		{"UploadLimiter", func(srv *httpd.Server, f func()) { handler(srv).UploadLimiter = hooked(f) }},
		{"Volume.OnRefusal", func(srv *httpd.Server, f func()) { handler(srv).Volume.OnRefusal = func(string) { f() } }},
	} {
		for path, set := range map[string]func(srv *httpd.Server){
			"on the fast path": func(*httpd.Server) {}, "on a goroutine": func(srv *httpd.Server) { srv.NoLoop = true },
			"by net/http": func(srv *httpd.Server) { srv.NoFastPath = true }, "by HTTP/2": nil,
		} {
			t.Run(tt.name+" "+path, func(t *testing.T) {
				nettest.CheckLeaks(t)
				h := bound(t, map[string]string{"f": "old"}, httpd.Quota{Bytes: quota}, httpd.Reserve{})
				account := httpd.Account{FS: h.FS, Rights: readOnly}
				var armed atomic.Bool
				var calls atomic.Int32
				s := serve(t, func(srv *httpd.Server) {
					root := handler(srv).FS.(*httpd.Root)
					srv.Handler = h
					t.Cleanup(func() { _ = root.Close() })
					srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates}
					srv.Login = func(context.Context, httpd.Client, string, string) (*httpd.Account, error) { return &account, nil }
					srv.OnTransfer = nil
					tt.set(srv, func() {
						if armed.Load() {
							calls.Add(1)
							panic("a mistake in the program")
						}
					})
					if set != nil {
						set(srv)
					}
				})
				url, transport := s.url, &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
				defer transport.CloseIdleConnections()
				if set == nil {
					addr, _ := s.serveTLS(t)
					url = "https://" + addr
				}
				do := func(method, body string, header http.Header) (status int) {
					t.Helper()
					r, err := http.NewRequestWithContext(t.Context(), method, url+"/f", strings.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					if header != nil {
						r.Header = header.Clone()
					}
					resp, err := transport.RoundTrip(r)
					if err != nil {
						return 0
					}
					defer resp.Body.Close()
					if _, err := io.Copy(io.Discard, resp.Body); err != nil {
						return 0
					}
					return resp.StatusCode
				}
				everything := func() (all []int) {
					return []int{do("GET", "", nil), do("GET", "", basic("u", "p")), do("PUT", "new", nil), do("PUT", strings.Repeat("x", 2*quota), nil)}
				}
				armed.Store(true)
				everything()
				for deadline := time.Now().Add(20 * time.Second); calls.Load() == 0; time.Sleep(time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatal("it was not called")
					}
				}
				armed.Store(false)
				transport.CloseIdleConnections()
				if got := everything()[:3]; got[0] != 200 || got[1] != 200 || got[2] != 204 {
					t.Errorf("then the answers to two GET and a PUT are %v", got)
				}
			})
		}
	}
}

package httpd_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
)

// A field that middleware has set before, and that may be there only once, is not
// there twice.
func TestNoFieldIsTwiceBehindMiddleware(t *testing.T) {
	memory := afero.NewMemMapFs()
	for name, content := range siteFiles() {
		if err := afero.WriteFile(memory, "/"+name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h := &httpd.Handler{FS: memory, Rules: []httpd.Rule{{Pattern: "*.txt", Name: "Content-Language", Value: "en"}}}
	base, _ := serveAt(t, "http.Server", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Content-Type", "Etag", "Last-Modified", "Content-Disposition", "Location", "Content-Range", "Accept-Ranges"} {
			w.Header().Set(name, "of middleware")
		}
		w.Header().Set("Vary", "Cookie")
		w.Header().Set("Cache-Control", "private")
		h.ServeHTTP(w, r)
	}))
	for target, fields := range map[string][]string{
		"/docs/a.txt?download": {"Content-Type", "Etag", "Last-Modified", "Content-Disposition", "Accept-Ranges", "Content-Language"},
		"/docs/":               {"Content-Type", "Etag"},
		"/docs":                {"Content-Type", "Location"},
		"/missing":             {"Content-Type"},
	} {
		req, _ := http.NewRequest(http.MethodGet, base+target, nil)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		for _, name := range fields {
			if lines := resp.Header[name]; len(lines) != 1 || lines[0] == "of middleware" {
				t.Errorf("%s: %s: got %q, want one of ours", target, name, lines)
			}
		}
		if vary := strings.Join(resp.Header["Vary"], ","); !strings.HasPrefix(vary, "Cookie") {
			t.Errorf("%s: Vary: %q, want that of the middleware too", target, vary)
		}
		if control := resp.Header.Get("Cache-Control"); control != "private" {
			t.Errorf("%s: Cache-Control: %q, want that of the middleware too", target, control)
		}
	}
}

// Middleware that sets the address of a client behind a proxy often sets no port.
func TestTheClientAddressThatMiddlewareSets(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7": "192.0.2.7:0", "192.0.2.7:80": "192.0.2.7:80", "2001:db8::1": "[2001:db8::1]:0", "[2001:db8::1]:80": "[2001:db8::1]:80",
		"::ffff:192.0.2.7": "192.0.2.7:0", "@": "invalid AddrPort", "": "invalid AddrPort", "a name": "invalid AddrPort",
	} {
		var got netip.AddrPort
		h := &httpd.Handler{OnTransfer: func(r httpd.Transfer) { got = r.Remote }}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = remote
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got.String() != want {
			t.Errorf("%q: got %v, want %s", remote, got, want)
		}
	}
}

package daemon

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// fakeListener is a listener with a TCP address.
type fakeListener struct {
	net.Listener
	port int
}

func (l fakeListener) Addr() net.Addr { return &net.TCPAddr{Port: l.port} }

func TestRedirectsKeepHostAndPath(t *testing.T) {
	for _, tt := range []struct {
		name, method, target, host string
		port                       int
		status                     int
		want                       string
	}{
		{"the usual port is left out", "GET", "/a?b=c", "example.com", 443, 301, "https://example.com/a?b=c"},
		{"any other is named", "GET", "/a", "example.com", 8443, 301, "https://example.com:8443/a"},
		{"the port of HTTP goes", "GET", "/", "example.com:8080", 8443, 301, "https://example.com:8443/"},
		{"an address of IPv6", "GET", "/", "[::1]:8080", 8443, 301, "https://[::1]:8443/"},
		{"one without a port", "GET", "/", "[::1]", 443, 301, "https://[::1]/"},
		{"a request for the header", "HEAD", "/a", "example.com", 443, 301, "https://example.com/a"},
		{"a method with a body stays", "PUT", "/a", "example.com", 443, 308, "https://example.com/a"},
		{"a path that needs escapes", "GET", "/a%2Fb%20c", "example.com", 443, 301, "https://example.com/a%2Fb%20c"},
		{"two slashes are no host", "GET", "//evil.example/x", "example.com", 443, 301, "https://example.com//evil.example/x"},
		{"no host", "GET", "/", "", 443, 404, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "http://x"+tt.target, nil)
			r.Host = tt.host
			w := httptest.NewRecorder()
			redirectTo([]net.Listener{fakeListener{port: tt.port}}).ServeHTTP(w, r)
			if got := w.Header().Get("Location"); w.Code != tt.status || got != tt.want {
				t.Errorf("%d to %q, want %d to %q", w.Code, got, tt.status, tt.want)
			}
		})
	}
}

func TestRedirectFromUnixSocket(t *testing.T) {
	unix, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Skip(err)
	}
	defer unix.Close()
	w := httptest.NewRecorder()
	redirectTo([]net.Listener{unix}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://example.com/a", nil))
	if got := w.Header().Get("Location"); got != "https://example.com/a" {
		t.Errorf("to %q", got)
	}
}

package httpd_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"sluice/httpd"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

func TestTLSWithAndWithoutHTTP2(t *testing.T) {
	const size = 300_000
	other := httptest.NewTLSServer(nil) // for its certificate, and a client that trusts it
	defer other.Close()
	config := &tls.Config{Certificates: other.TLS.Certificates}
	s := serve(t, func(srv *httpd.Server) { srv.TLSConfig = config; cached(srv) })
	s.pattern(t, "f", size)
	addr, served := s.serveTLS(t)
	for proto, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		transport := &http.Transport{
			TLSClientConfig:   other.Client().Transport.(*http.Transport).TLSClientConfig.Clone(),
			ForceAttemptHTTP2: http2,
		}
		resp, err := (&http.Client{Transport: transport}).Get("https://" + addr + "/f")
		if err != nil {
			t.Fatal(err)
		}
		if g := <-nettest.Sum(t, resp.Body); resp.Proto != proto || g.Err != nil || g.SHA256 != nettest.PatternSum(0, size) {
			t.Errorf("%s: got %s with %d bytes, %v, want the %d of the file", proto, resp.Proto, g.N, g.Err, size)
		}
		_ = resp.Body.Close()
		transport.CloseIdleConnections()
		if record := s.report(t); record.Proto != proto || record.Method != sendfile.Copy || record.Sent != size {
			t.Errorf("recorded %+v, want %s and %d bytes copied", record, proto, size)
		}
	}
	if config.NextProtos != nil {
		t.Error("the caller's configuration was changed")
	}
	_ = s.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("ServeTLS = %v, want %v", err, http.ErrServerClosed)
	}
}

// serveTLS serves at another address with TLS, and returns the result of ServeTLS.
func (s *site) serveTLS(t *testing.T) (addr string, served <-chan error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() { result <- s.ServeTLS(ln) }()
	return ln.Addr().String(), result
}

func TestTLSWithoutAConfigurationIsAnError(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := new(httpd.Server).ServeTLS(ln); err == nil || errors.Is(err, http.ErrServerClosed) {
		t.Errorf("ServeTLS = %v, want an error that names TLSConfig", err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept = %v, want a closed listener", err)
	}
}

// A client that speaks HTTP to a port for TLS gets a response of net/http that says so.
func TestPlainHTTPOnTLS(t *testing.T) {
	other := httptest.NewTLSServer(nil)
	defer other.Close()
	s := serve(t, func(srv *httpd.Server) { srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates} })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.ServeTLS(ln) }()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if got, _ := io.ReadAll(c); len(got) < 12 || string(got[:12]) != "HTTP/1.0 400" {
		t.Errorf("got %q, want a 400", got)
	}
	if record := s.report(t); record.Status != http.StatusBadRequest {
		t.Errorf("recorded %+v, want a 400", record)
	}
	_ = s.Close()
	<-served
}

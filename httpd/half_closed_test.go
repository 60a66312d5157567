package httpd_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// A client that ends its side after the request, as "nc -N" does, still reads.
func TestAHalfClosedClientGetsEveryKindOfResponse(t *testing.T) {
	const size = 32 << 20
	s := serve(t, func(srv *httpd.Server) { cached(srv); srv.OnTransfer = nil; handler(srv).Archives = true })
	slow := serve(t, func(srv *httpd.Server) { srv.NoFastPath = true; srv.OnTransfer = nil; handler(srv).Archives = true })
	handler(slow.Server).FS = handler(s.Server).FS
	s.pattern(t, "big.bin", size)
	s.pattern(t, "other.bin", size)
	for i := range 2000 {
		s.write(t, fmt.Sprintf("many/%04d", i), "x")
	}
	sum := fmt.Sprintf("%x  big.bin\n", nettest.PatternSum(0, size))
	for _, tt := range []struct {
		name, request string
		check         func(resp *http.Response, body []byte) bool
	}{
		{"a checksum", "GET /big.bin?sha256 HTTP/1.0\r\n\r\n", func(_ *http.Response, body []byte) bool { return string(body) == sum }},
		{"a checksum of a file that nobody has asked for", "GET /other.bin?sha512 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", func(_ *http.Response, body []byte) bool { return len(body) == 128+len("  other.bin\n") }},
		{"Want-Repr-Digest", "GET /big.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\nWant-Repr-Digest: sha-512=1\r\nRange: bytes=0-0\r\n\r\n", func(resp *http.Response, body []byte) bool {
			return len(body) == 1 && resp.Header.Get("Repr-Digest") != ""
		}},
		{"a listing", "GET /many/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", func(_ *http.Response, body []byte) bool { return bytes.Count(body, []byte("<a href=")) == 2001 }},
		{"an archive", "GET /many/?tar HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", func(_ *http.Response, body []byte) bool { return len(body) > 2000*1024 }},
		{"a compressed archive", "GET /many/?tar.gz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", func(resp *http.Response, body []byte) bool { return len(body) > 1000 }},
		{"a file that does not exist", "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", func(resp *http.Response, _ []byte) bool { return resp.StatusCode == 404 }},
	} {
		for path, s := range map[string]*site{"fast path": s, "net/http": slow} {
			t.Run(tt.name+", "+path, func(t *testing.T) {
				c := s.dial(t)
				_, _ = io.WriteString(c, tt.request)
				if err := c.CloseWrite(); err != nil {
					t.Fatal(err)
				}
				resp, body := response(t, c)
				if !tt.check(resp, body) {
					t.Errorf("%s with %d bytes: %.200q", resp.Status, len(body), body)
				}
			})
		}
	}
}

func TestAHalfClosedClientOverTLSGetsItsChecksum(t *testing.T) {
	const size = 32 << 20
	other := httptest.NewTLSServer(nil) // for its certificate, and a client that trusts it
	defer other.Close()
	s := serve(t, func(srv *httpd.Server) {
		srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates}
		srv.OnTransfer = nil
	})
	s.pattern(t, "big.bin", size)
	addr, served := s.serveTLS(t)
	config := other.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.ServerName = "example.com"
	c, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "GET /big.bin?sha256 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if resp, body := response(t, c); string(body) != fmt.Sprintf("%x  big.bin\n", nettest.PatternSum(0, size)) {
		t.Errorf("%s with %q", resp.Status, body)
	}
	_ = c.Close()
	_ = s.Close()
	<-served
}

// A client that closes its connection looks the same as one that ends its side, until something is sent to it.
func TestNothingIsComputedForeverForAClientThatMayHaveLeft(t *testing.T) {
	s := serve(t, func(srv *httpd.Server) { srv.OnTransfer = nil; srv.SetMaxUnsure(100 * time.Millisecond) })
	s.pattern(t, "sparse.bin", 1)
	if err := os.Truncate(filepath.Join(s.dir, "sparse.bin"), 1<<40); err != nil { // hours
		t.Skip("no large files here:", err)
	}
	c := s.dial(t)
	_, _ = io.WriteString(c, "GET /sparse.bin?sha512 HTTP/1.0\r\n\r\n")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(c); strings.Contains(string(answer), "sparse.bin") {
		t.Errorf("got %q, %v", answer, err)
	}
}

// response reads a response to its end.
func response(t *testing.T, c net.Conn) (*http.Response, []byte) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

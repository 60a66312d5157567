package httpd_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice/httpd"
)

// Requests that are refused before a handler is called are reported too, as nginx logs
// them.
func TestRefusalsAreReported(t *testing.T) {
	other := httptest.NewTLSServer(nil) // for its certificate
	defer other.Close()
	for _, tt := range []struct {
		name, in string
		want     httpd.Transfer
	}{
		{"no host", "GET /a HTTP/1.1\r\n\r\n", httpd.Transfer{Op: "GET", Target: "/a", Proto: "HTTP/1.1", Status: 400}},
		{"a future version", "GET /a HTTP/3.0\r\nHost: test\r\n\r\n", httpd.Transfer{Op: "GET", Target: "/a", Proto: "HTTP/3.0", Status: 505}},
		{"a target with blanks", "GET /a b HTTP/1.1\r\nHost: test\r\n\r\n", httpd.Transfer{Op: "GET", Target: "/a b", Proto: "HTTP/1.1", Status: 400}},
		{"nonsense", "\x00\xff\n\n", httpd.Transfer{Op: "\x00\xff", Status: 400}},
		{"a head without end", "GET /a HTTP/1.1\r\nHost: test\r\nX: " + strings.Repeat("x", 40<<10), httpd.Transfer{Op: "GET", Target: "/a", Proto: "HTTP/1.1", Status: 431}},
		{"an unknown coding", "GET /a HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: x\r\n\r\n", httpd.Transfer{Op: "GET", Target: "/a", Proto: "HTTP/1.1", Status: 501}},
		{"an unknown expectation", "GET /a HTTP/1.1\r\nHost: test\r\nExpect: x\r\n\r\n", httpd.Transfer{Op: "GET", Target: "/a", Proto: "HTTP/1.1", Status: 417}},
		{"two lengths", "GET /a HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", httpd.Transfer{Op: "GET", Target: "/a", Proto: "HTTP/1.1", Status: 400}},
		{"behind another request", "OPTIONS / HTTP/1.1\r\nHost: test\r\n\r\nGET /a HTTP/1.1\r\n\r\n", httpd.Transfer{Status: 400}},
	} {
		for _, path := range []string{"fast", "TLS"} {
			t.Run(tt.name+", "+path, func(t *testing.T) {
				s := serve(t, func(srv *httpd.Server) { srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates} })
				var c net.Conn
				if path == "TLS" {
					if strings.Contains(tt.name, "two lengths") {
						t.Skip("net/http answers it, by its transfer coding")
					}
					addr, _ := s.serveTLS(t)
					var err error
					if c, err = tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true}); err != nil {
						t.Fatal(err)
					}
					defer c.Close()
				} else {
					c = s.dial(t)
				}
				_, _ = io.WriteString(c, tt.in)
				r := bufio.NewReader(c)
				if strings.HasPrefix(tt.in, "OPTIONS") {
					if got := read(t, r, "OPTIONS"); got.status != 204 {
						t.Fatalf("answered %+v", got)
					}
					<-s.recorded
				}
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(resp.Body)
				if resp.StatusCode != tt.want.Status {
					t.Errorf("answered %d, want %d", resp.StatusCode, tt.want.Status)
				}
				record := s.report(t)
				got := httpd.Transfer{Op: record.Op, Target: record.Target, Proto: record.Proto, Status: record.Status}
				if fmt.Sprint(got) != fmt.Sprint(tt.want) || record.Remote.String() != c.LocalAddr().String() || record.Sent != int64(len(body)) {
					t.Errorf("recorded %+v, want %+v with %d bytes", record, tt.want, len(body))
				}
				_ = s.Close()
				if len(s.recorded) != 0 {
					t.Errorf("recorded %+v as well", s.report(t))
				}
			})
		}
	}
}

// Browsers open connections in advance, and may send nothing on them.
func TestAShutdownDoesNotWaitForHandshakes(t *testing.T) {
	other := httptest.NewTLSServer(nil)
	defer other.Close()
	s := serve(t, func(srv *httpd.Server) { srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates} })
	addr, _ := s.serveTLS(t)
	silent, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	speaks, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true}) // it is accepted after the silent one
	if err != nil {
		t.Fatal(err)
	}
	_ = speaks.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown = %v", err)
	}
}

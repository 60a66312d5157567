package httpd_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"runtime"
	"syscall"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// A client that takes nothing is cut after StallTimeout, and at most a tenth later. Its
// connection is reset: otherwise the system would offer it megabytes for minutes.
func TestAStalledClientIsResetOnTime(t *testing.T) {
	const stall, slack = time.Second, 500 * time.Millisecond
	other := httptest.NewTLSServer(nil) // for its certificate
	defer other.Close()
	for _, tt := range []struct {
		name   string
		change func(*httpd.Server)
		proto  string // of ALPN; "": no TLS
	}{
		{"of an event loop, where there are any", func(*httpd.Server) {}, ""},
		{"of a goroutine", func(srv *httpd.Server) { srv.NoLoop = true }, ""},
		{"of net/http", func(srv *httpd.Server) { srv.NoFastPath = true }, ""},
		{"with TLS", func(*httpd.Server) {}, "http/1.1"},
		{"with HTTP/2", func(*httpd.Server) {}, "h2"},
		{"that is too slow for the minimum rate", func(srv *httpd.Server) { srv.MinRate = 64 << 20 }, ""},
		{"that is too slow for the minimum rate, of a goroutine", func(srv *httpd.Server) { srv.NoLoop, srv.MinRate = true, 64<<20 }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, func(srv *httpd.Server) {
				srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates}
				srv.StallTimeout = stall
				tt.change(srv)
			})
			s.pattern(t, "f", 64<<20)
			addr := s.addr
			if tt.proto != "" {
				addr, _ = s.serveTLS(t)
			}
			tcp, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer tcp.Close()
			var c net.Conn = tcp
			if tt.proto != "" {
				c = tls.Client(tcp, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{tt.proto}})
			}
			request := "GET /f HTTP/1.1\r\nHost: test\r\n\r\n"
			if tt.proto == "h2" {
				const headers, settings, windowUpdate, last = 1, 4, 8, 0x5
				const much = "\x7f\x00\x00\x00"
				request = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
					frame(settings, 0, 0, "\x00\x04"+much) + // SETTINGS_INITIAL_WINDOW_SIZE
					frame(windowUpdate, 0, 0, much) +
					frame(headers, last, 1, "\x82\x87\x04\x02/f\x01\x04test") // GET, https, :path, :authority
			}
			if _, err := io.WriteString(c, request); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			record := s.report(t)
			if took := time.Since(begin); record.Err == nil || took < stall || took > stall*11/10+slack {
				t.Errorf("cut after %v, %v, want %v", took, record.Err, stall)
			}
			if err := readToEnd(t, tcp); !errors.Is(err, syscall.ECONNRESET) && runtime.GOOS != "windows" { // wine 8 does not reset
				t.Errorf("the client reads to %v, want a reset", err)
			}
		})
	}
}

// readToEnd reads until the connection has ended, and returns how.
func readToEnd(t *testing.T, c net.Conn) error {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	got := <-nettest.Sum(t, c)
	return got.Err
}

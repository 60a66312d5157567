package httpd_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"sluice/httpd"
)

// frame returns a frame of HTTP/2 (RFC 9113, 4.1).
func frame(kind, flags byte, stream byte, payload string) string {
	return string([]byte{0, 0, byte(len(payload)), kind, flags, 0, 0, 0, stream}) + payload
}

// An HTTP/2 client that opens no window takes nothing, whatever other frames it sends.
func TestAClosedHTTP2WindowIsAStall(t *testing.T) {
	other := httptest.NewTLSServer(nil) // for its certificate
	defer other.Close()
	for name, size := range map[string]int64{"large": 1 << 20, "small": 100} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(srv *httpd.Server) {
				srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates}
				srv.StallTimeout = 50 * time.Millisecond
			})
			s.pattern(t, "f", size)
			addr, _ := s.serveTLS(t)
			c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			const headers, reset, settings, last = 1, 3, 4, 0x5
			_, _ = io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+
				frame(settings, 0, 0, "\x00\x04\x00\x00\x00\x00")+ // SETTINGS_INITIAL_WINDOW_SIZE 0
				frame(headers, last, 1, "\x82\x87\x04\x02/f\x01\x04test")) // GET, https, :path, :authority
			for head := make([]byte, 9); head[3] != reset; {
				if _, err := io.ReadFull(c, head); err != nil {
					t.Fatalf("%v before the stream was reset", err)
				}
				if _, err := io.CopyN(io.Discard, c, int64(head[1])<<8|int64(head[2])); err != nil {
					t.Fatal(err)
				}
			}
			// A handler cannot know that bytes are still in the buffers of net/http.
			if record := s.report(t); size > 4096 && !errors.Is(record.Err, os.ErrDeadlineExceeded) {
				t.Errorf("recorded %v, want %v", record.Err, os.ErrDeadlineExceeded)
			}
		})
	}
}

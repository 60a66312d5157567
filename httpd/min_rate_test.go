package httpd_test

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/httpd/internal/netconn"
	"sluice/internal/nettest"
)

func TestAClientThatTricklesIsCut(t *testing.T) {
	const size = 64 << 20               // more than the buffers of a connection hold
	other := httptest.NewTLSServer(nil) // for its certificate
	defer other.Close()
	for _, path := range []string{"fast", "net/http", "TLS"} {
		t.Run(path, func(t *testing.T) {
			s := serve(t, func(srv *httpd.Server) {
				srv.NoFastPath = path == "net/http"
				srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates}
				srv.StallTimeout, srv.MinRate = time.Second/2, size // half of it in time
			})
			s.pattern(t, "f", size)
			var c net.Conn
			if path == "TLS" {
				addr, _ := s.serveTLS(t)
				tcp, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				c = tls.Client(tcp, &tls.Config{InsecureSkipVerify: true})
			} else {
				c = s.dial(t)
			}
			_, _ = io.WriteString(c, "GET /f HTTP/1.1\r\nHost: test\r\n\r\n")
			done := make(chan struct{})
			go func() { // some bytes a millisecond are progress, but too slow
				defer close(done)
				for buf := make([]byte, 4096); ; <-time.After(time.Millisecond) {
					if _, err := c.Read(buf); err != nil {
						return
					}
				}
			}()
			if record := s.report(t); !errors.Is(record.Err, netconn.ErrTooSlow) {
				t.Errorf("recorded %v, want %v", record.Err, netconn.ErrTooSlow)
			}
			_ = c.Close()
			<-done
		})
	}
}

func TestAClientAboveTheMinimumRateGetsAll(t *testing.T) {
	const size = 5<<20 + 7
	for name, change := range map[string]func(*httpd.Server){
		"on the fast path": func(*httpd.Server) {},
		"by net/http":      func(srv *httpd.Server) { srv.NoFastPath = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(srv *httpd.Server) { change(srv); srv.MinRate = 1000 })
			s.pattern(t, "f", size)
			for range 2 { // the second goes on in a section of the first
				if _, body := s.do(t, "GET", "/f", nil); sha256.Sum256([]byte(body)) != nettest.PatternSum(0, size) {
					t.Errorf("%d other bytes", len(body))
				}
				if record := s.report(t); record.Err != nil || record.Sent != size || record.Method != fastMethod {
					t.Errorf("recorded %+v, want all by %v", record, fastMethod)
				}
			}
		})
	}
}

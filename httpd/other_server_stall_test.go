package httpd_test

import (
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

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// A response to a client that takes nothing ends after StallTimeout, also in another
// server, by each method of sending a body.
func TestEachStalledBodyIsCutInAnotherServer(t *testing.T) {
	dir := nettest.TempDir(t)
	if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "f"), 64<<20); err != nil {
		t.Fatal(err)
	}
	root, err := httpd.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	long := strings.Repeat("x", 200)
	memory := afero.NewMemMapFs()
	for i := range 3000 {
		if err := afero.WriteFile(memory, fmt.Sprint("/many/", long, i), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := afero.WriteFile(memory, "/f", make([]byte, 64<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	unwrapping := wrapping(func(w http.ResponseWriter) http.ResponseWriter {
		return &unwrappingWriter{statusWriter{ResponseWriter: w}}
	})
	plain := func(h http.Handler) http.Handler { return h }
	for _, tt := range []struct {
		name   string
		fs     afero.Fs
		target string
		wrap   func(http.Handler) http.Handler
		secure bool
	}{
		{"a file by sendfile", root, "/f", plain, false},
		{"a file in memory", memory, "/f", plain, false},
		{"a file by TLS", root, "/f", plain, true},
		{"a file behind a writer without ReadFrom", root, "/f", unwrapping, false},
		{"a listing", memory, "/many/", plain, false},
		{"a listing by TLS", memory, "/many/", plain, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // package tls takes five seconds more to close
			reported := make(chan httpd.Transfer, 1)
			srv := httptest.NewUnstartedServer(tt.wrap(&httpd.Handler{
				FS: tt.fs, StallTimeout: 50 * time.Millisecond, OnTransfer: func(r httpd.Transfer) { reported <- r },
			}))
			defer srv.Close()
			srv.Config.ConnState = func(c net.Conn, state http.ConnState) {
				if over, ok := c.(*tls.Conn); ok {
					c = over.NetConn()
				}
				if state == http.StateNew {
					_ = c.(*net.TCPConn).SetWriteBuffer(4096) // so that it is soon full
				}
			}
			if tt.secure {
				srv.StartTLS()
			} else {
				srv.Start()
			}
			c, err := net.Dial("tcp", srv.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_ = c.(*net.TCPConn).SetReadBuffer(4096)
			if tt.secure {
				c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
			}
			defer c.Close()
			if _, err := io.WriteString(c, "GET "+tt.target+" HTTP/1.1\r\nHost: a\r\nRange: bytes=0-30000000,40000000-50000000\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if r := <-reported; r.Err == nil || r.Outcome.String() != "peer" {
				t.Errorf("reported %v by %v, %v, want that the peer failed", r.Outcome, r.Method, r.Err)
			}
		})
	}
}

// unwrappingWriter has no ReadFrom, but an Unwrap for http.ResponseController.
type unwrappingWriter struct{ statusWriter }

func (w *unwrappingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// The deadline of a response does not stay on a connection that is kept alive.
func TestADeadlineEndsWithItsResponse(t *testing.T) {
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, "/d/f", make([]byte, 3<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	const stall = 100 * time.Millisecond
	files := &httpd.Handler{FS: memory, StallTimeout: stall}
	mux := http.NewServeMux()
	mux.Handle("/", files)
	mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(2 * stall) // until the deadline would end the connection
		_, _ = io.WriteString(w, "late")
	})
	for _, where := range []string{"http.Server", "TLS", "HTTP/2"} {
		t.Run(where, func(t *testing.T) {
			base, client := serveAt(t, where, mux)
			for _, target := range []string{"/d/f", "/d/", "/d/f"} {
				resp, body := get(t, client, base+target, "Range", "bytes=0-999999,2000000-")
				if resp.StatusCode/100 != 2 || body == "" {
					t.Errorf("%s: %s with %d bytes", target, resp.Status, len(body))
				}
				if _, body := get(t, client, base+"/slow"); body != "late" {
					t.Errorf("after %s: got %q", target, body)
				}
			}
		})
	}
}

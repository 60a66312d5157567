package httpd_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/httpd"
)

// The handler that reads a body decides how long it may take. The body of a request for
// a file is dropped, and has a bound.
func TestABodyMayTakeAsLongAsItsHandlerSays(t *testing.T) {
	t.Cleanup(httpd.BoundBodies(50 * time.Millisecond)) // when the servers have ended
	memory := afero.NewMemMapFs()
	mux := http.NewServeMux()
	mux.Handle("/files/", httpd.FileServer(memory))
	mux.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err != nil || string(body) != "slow" {
			t.Errorf("read %q, %v", body, err)
		}
	})
	for name, h := range map[string]http.Handler{"behind a mux": mux, "alone": httpd.FileServer(memory)} {
		base, _ := serveAny(t, &httpd.Server{Handler: h})
		dial := func(target string) net.Conn {
			c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			_, _ = io.WriteString(c, "POST "+target+" HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nsl")
			return c
		}
		c := dial("/files/f") // without the body
		if got, _ := io.ReadAll(c); !strings.HasPrefix(string(got), "HTTP/1.1 405") {
			t.Errorf("%s: got %q, want a 405", name, got)
		}
		if h != mux {
			continue
		}
		c = dial("/upload")
		time.Sleep(150 * time.Millisecond) // this body is slower than the bound for files
		_, _ = io.WriteString(c, "ow")
		if got, _ := io.ReadAll(c); !strings.HasPrefix(string(got), "HTTP/1.1 200") {
			t.Errorf("got %q of the upload", got)
		}
	}
}

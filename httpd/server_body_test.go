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

// How long a body may take is for the handler to say that reads it. We drop what
// comes with a request for a file, and do not wait for it for ever.
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
		c := dial("/files/f") // and no more
		if got, _ := io.ReadAll(c); !strings.HasPrefix(string(got), "HTTP/1.1 405") {
			t.Errorf("%s: got %q, want a 405", name, got)
		}
		if h != mux {
			continue
		}
		c = dial("/upload")
		time.Sleep(150 * time.Millisecond) // as long as this body takes
		_, _ = io.WriteString(c, "ow")
		if got, _ := io.ReadAll(c); !strings.HasPrefix(string(got), "HTTP/1.1 200") {
			t.Errorf("got %q of the upload", got)
		}
	}
}

package httpd_test

import (
	"bufio"
	"io"
	"sync"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
)

// holding returns a file system with one file, of that content.
func holding(t *testing.T, content string) afero.Fs {
	t.Helper()
	fsys := afero.NewMemMapFs()
	if err := afero.WriteFile(fsys, "/a", []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return fsys
}

func TestRequestsAreAnsweredByTheHandlerOfTheirBeginning(t *testing.T) {
	for path, slow := range map[string]bool{"fast": false, "net/http": true} {
		t.Run(path, func(t *testing.T) {
			s := serve(t, func(srv *httpd.Server) {
				srv.NoFastPath = slow
				srv.Handler = httpd.FileServer(holding(t, "first"))
			})
			c := s.dial(t)
			r := bufio.NewReader(c)
			for i, want := range []string{"first", "second", "third"} {
				if i > 0 {
					s.SetHandler(httpd.FileServer(holding(t, want)))
				}
				_, _ = io.WriteString(c, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
				if got := read(t, r, "GET"); got.body != want {
					t.Errorf("got %q, want %q", got.body, want)
				}
			}
		})
	}
}

func TestHandlersAreExchangedUnderLoad(t *testing.T) {
	s := serve(t, func(srv *httpd.Server) { srv.Handler, srv.OnTransfer = httpd.FileServer(holding(t, "first")), nil })
	var asking sync.WaitGroup
	for range 8 {
		c := s.dial(t)
		asking.Go(func() {
			r := bufio.NewReader(c)
			for range 200 {
				_, _ = io.WriteString(c, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
				if got := read(t, r, "GET"); got.body != "first" && got.body != "second" {
					t.Errorf("got %q", got.body)
				}
			}
		})
	}
	for i := range 200 {
		next := httpd.FileServer(holding(t, []string{"second", "first"}[i%2]))
		s.SetHandler(next)
		_ = next.Close() // it still answers requests
	}
	asking.Wait()
}

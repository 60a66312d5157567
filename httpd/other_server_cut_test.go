package httpd_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// faultyFS is a file system whose files fail after a number of bytes.
type faultyFS struct {
	afero.Fs
	after int64
}

var errDisk = errors.New("the disk has failed")

func (f faultyFS) Open(name string) (afero.File, error) {
	file, err := f.Fs.Open(name)
	if err != nil {
		return nil, err
	}
	return &faultyFile{file, f.after}, nil
}

type faultyFile struct {
	afero.File
	left int64
}

func (f *faultyFile) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, errDisk
	}
	n, err := f.File.Read(p[:min(int64(len(p)), f.left)])
	f.left -= int64(n)
	return n, err
}

// recovering is middleware that recovers from every panic, even from
// http.ErrAbortHandler, and goes on as if nothing had happened.
func recovering(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				_, _ = io.WriteString(w, "sorry")
			}
		}()
		h.ServeHTTP(w, r)
	})
}

// serveAt serves h by one of the kinds of servers that a Handler may be in.
func serveAt(t *testing.T, where string, h http.Handler) (base string, client *http.Client) {
	t.Helper()
	if where == "httpd.Server" {
		base, _ = serveAny(t, &httpd.Server{Handler: h})
		return base, http.DefaultClient
	}
	srv := httptest.NewUnstartedServer(h)
	t.Cleanup(srv.Close)
	if where == "http.Server" {
		srv.Start()
	} else {
		srv.EnableHTTP2 = where == "HTTP/2"
		srv.StartTLS()
	}
	return srv.URL, srv.Client()
}

// A body that cannot be completed does not look complete to the client, even if
// middleware recovers from the panic that ends it.
func TestACutBodyIsIncompleteBehindMiddlewareThatRecovers(t *testing.T) {
	const size = 300_000
	memory := afero.NewMemMapFs()
	content, err := io.ReadAll(nettest.Pattern(size))
	if err == nil {
		err = afero.WriteFile(memory, "/d/f", content, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{"http.Server", "httpd.Server", "TLS", "HTTP/2"} {
		for _, tt := range []struct {
			target string
			after  int64
		}{
			{"/d/f", 200_000}, {"/d/f", size - 5}, // as many bytes are in the buffer of the middleware
			{"/d/?tar", 200_000}, {"/d/?tar.gz", 200_000},
		} {
			t.Run(fmt.Sprintf("%s, %s, after %d bytes", where, tt.target, tt.after), func(t *testing.T) {
				reported := make(chan httpd.Transfer, 10)
				h := &httpd.Handler{FS: faultyFS{memory, tt.after}, Archives: true, OnTransfer: func(r httpd.Transfer) { reported <- r }}
				defer h.Close()
				base, client := serveAt(t, where, recovering(h))
				resp, err := client.Get(base + tt.target)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if body, err := io.ReadAll(resp.Body); err == nil {
					t.Errorf("%d bytes look whole", len(body))
				}
				if r := <-reported; r.Outcome.String() != "file" || !errors.Is(r.Err, errDisk) {
					t.Errorf("reported %v, %v, want that the file failed", r.Outcome, r.Err)
				}
			})
		}
	}
}

package httpd_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/live"
)

// panicking is a Limiter that panics after a number of bytes.
type panicking struct {
	hooked
	after int
}

func (p *panicking) Wait(ctx context.Context, n int) (int, error) {
	if p.after -= n; p.after < 0 {
		panic("no more")
	}
	return p.hooked.Wait(ctx, n)
}

// If a part of the program panics, the server goes on, the response does not look
// complete to the client, and is reported as cut.
func TestAPanicOfTheProgramEndsOneResponse(t *testing.T) {
	for name, change := range map[string]func(*httpd.Server){
		"on the fast path": func(*httpd.Server) {},
		"by net/http":      func(srv *httpd.Server) { srv.NoFastPath = true },
		"by net/http behind middleware that recovers": func(srv *httpd.Server) { srv.Handler = recovering(srv.Handler) },
		"by net/http behind middleware":               func(srv *httpd.Server) { srv.Handler = tagging(srv.Handler) },
	} {
		for _, target := range []string{"/big.bin", "/?tar.gz"} {
			t.Run(name+", "+target, func(t *testing.T) {
				memory := afero.NewMemMapFs()
				for name, content := range siteFiles() {
					if err := afero.WriteFile(memory, "/"+name, []byte(content), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				reported := make(chan httpd.Transfer, 10)
				limiter := &panicking{func() {}, 400_000}
				if target != "/big.bin" {
					limiter.after = 1000
				}
				reg := new(live.Registry)
				srv := &httpd.Server{
					Handler: &httpd.Handler{FS: memory, Limiter: limiter, Archives: true},
					Live:    reg, OnTransfer: func(r httpd.Transfer) { reported <- r },
				}
				change(srv)
				url, _ := serveAny(t, srv)
				resp, err := http.Get(url + target)
				if err == nil {
					if _, err = io.Copy(io.Discard, resp.Body); err == nil {
						t.Error("the response looks whole")
					}
					_ = resp.Body.Close()
				}
				if r := <-reported; r.Outcome.String() != "cut" || r.Err == nil || r.Status != 200 || r.Target != target {
					t.Errorf("reported %+v, want one that was cut", r)
				}
				if _, transfers := reg.Len(); transfers != 0 {
					t.Errorf("%d transfers are still under way", transfers)
				}
				limiter.after = 1 << 30
				if _, body := get(t, http.DefaultClient, url+"/docs/a.txt"); body != "hello\n" {
					t.Errorf("then got %q", body)
				}
				if r := <-reported; r.Err != nil || len(reported) != 0 {
					t.Errorf("reported %+v and %d more, want one that is complete", r, len(reported))
				}
			})
		}
	}
}

func TestAPanicOfTheHookEndsOneConnection(t *testing.T) {
	for name, noFastPath := range map[string]bool{"on the fast path": false, "by net/http": true} {
		t.Run(name, func(t *testing.T) {
			memory := afero.NewMemMapFs()
			if err := afero.WriteFile(memory, "/f", []byte("content"), 0o644); err != nil {
				t.Fatal(err)
			}
			calls := make(chan httpd.Transfer, 10)
			url, _ := serveAny(t, &httpd.Server{
				Handler: httpd.FileServer(memory), NoFastPath: noFastPath,
				OnTransfer: func(r httpd.Transfer) { calls <- r; panic("no") },
			})
			for range 2 {
				if resp, err := http.Get(url + "/f"); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				if r := <-calls; r.Sent != 7 || len(calls) != 0 {
					t.Errorf("called with %+v and %d times more", r, len(calls))
				}
			}
		})
	}
}

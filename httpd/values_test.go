package httpd_test

import (
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/sendfile"
)

// negative is a file system whose files have a negative size.
type negative struct{ afero.Fs }

type negativeInfo struct{ fs.FileInfo }

func (negativeInfo) Size() int64 { return -5 }

func (n negative) Stat(name string) (fs.FileInfo, error) {
	info, err := n.Fs.Stat(name)
	if err == nil && !info.IsDir() {
		info = negativeInfo{info}
	}
	return info, err
}

// Invalid values in fields, and impossible values of a file system, are errors or have
// no effect. They break no connection.
func TestInvalidValues(t *testing.T) {
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, "/d/f", []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		handler *httpd.Handler
		status  int
		body    string
	}{
		{"a file of a negative size", &httpd.Handler{FS: negative{memory}}, http.StatusInternalServerError, ""},
		{"a Root that was never opened", &httpd.Handler{FS: new(httpd.Root)}, http.StatusNotFound, ""},
		{"a method for uploads", &httpd.Handler{FS: memory, Method: sendfile.Splice}, http.StatusOK, "content"},
		{"an unknown method", &httpd.Handler{FS: memory, Method: 99}, http.StatusOK, "content"},
		{"a limit of zero", &httpd.Handler{FS: memory, Limiter: httpd.NewLimiter(0)}, http.StatusOK, "content"},
		{"a negative limit", &httpd.Handler{FS: memory, Limiter: httpd.NewLimiter(-1), MaxRate: -1}, http.StatusOK, "content"},
		{"rules that ParseRule refuses", &httpd.Handler{FS: memory, Rules: []httpd.Rule{
			{Pattern: "*", Name: "Content-Length", Value: "3"}, {Pattern: "*", Name: "bad name", Value: "x"},
			{Pattern: "*", Name: "X-Bad", Value: "a\r\nX-Forged: b"}, {Pattern: "[", Name: "X-Pattern", Value: "x"},
			{Pattern: "*", Name: "x-good", Value: "kept"},
		}}, http.StatusOK, "content"},
	} {
		for path, change := range map[string]func(*httpd.Server){
			"on the fast path": nil, "by net/http": func(srv *httpd.Server) { srv.NoFastPath = true },
		} {
			t.Run(tt.name+", "+path, func(t *testing.T) {
				url, reported := serveFS(t, tt.handler, change)
				for range 2 { // on one connection
					resp, body := get(t, http.DefaultClient, url+"/d/f")
					if resp.StatusCode != tt.status || tt.body != "" && body != tt.body {
						t.Errorf("got %s with %q, want %d with %q", resp.Status, body, tt.status, tt.body)
					}
					if len(tt.handler.Rules) == 0 {
						continue
					}
					if resp.Header.Get("X-Good") != "kept" {
						t.Errorf("the valid rule has no effect: %v", resp.Header)
					}
					for name := range resp.Header {
						if strings.HasPrefix(name, "X-") && name != "X-Good" && name != "X-Content-Type-Options" {
							t.Errorf("got the field %s", name)
						}
					}
				}
				if r := <-reported; r.Status != tt.status || r.Err != nil {
					t.Errorf("reported %d, %v", r.Status, r.Err)
				}
			})
		}
	}
}

package httpd_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// signingFS is a file system with URLs of another server.
type signingFS struct {
	afero.Fs
	signed *atomic.Int64
	err    error
}

func (s signingFS) Presign(method, name string, info fs.FileInfo, life time.Duration, header map[string]string) (string, error) {
	n := s.signed.Add(1)
	q := url.Values{"n": {fmt.Sprint(n)}, "method": {method}, "life": {life.String()}, "size": {fmt.Sprint(info.Size())}}
	for field, value := range header {
		q.Set(field, value)
	}
	return "https://store.example" + name + "?" + q.Encode(), s.err
}

func newSigningFS(t *testing.T) signingFS {
	t.Helper()
	fsys := signingFS{afero.NewMemMapFs(), new(atomic.Int64), nil}
	for name, content := range map[string]string{
		"/movie.mp4": strings.Repeat("m", 5000), "/small.png": "png", "/empty.bin": "", "/page.html": strings.Repeat("<p>", 5000),
		"/style.css": strings.Repeat("a{}", 5000), "/list.m3u8": strings.Repeat("#\n", 5000), "/data.json": strings.Repeat("1", 5000),
		"/pic.svg": strings.Repeat("<g/>", 5000), "/app.mjs": strings.Repeat("1;", 5000), "/no.json": strings.Repeat("1", 5000),
		"/dir/index.html": strings.Repeat("x", 5000), "/ann/film.mp4": strings.Repeat("a", 5000),
		"/raw.iso": strings.Repeat("i", 5000), "/raw.iso.gz": strings.Repeat("z", 4000),
	} {
		if err := afero.WriteFile(fsys, name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := fsys.Chtimes(name, longAgo, longAgo); err != nil {
			t.Fatal(err)
		}
	}
	return fsys
}

// noFollow is a client that does not follow redirects.
var noFollow = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func TestTheClientIsSentToTheStore(t *testing.T) {
	for path, change := range map[string]func(*httpd.Server){
		"on the fast path": nil, "by net/http": func(srv *httpd.Server) { srv.NoFastPath = true },
	} {
		t.Run(path, func(t *testing.T) {
			h := &httpd.Handler{FS: newSigningFS(t), RedirectFor: time.Minute, RedirectFrom: 1000, Rules: rules(t,
				"* Cache-Control: public, max-age=3600", "/ Cache-Control: public, max-age=60", "*.mp4 Content-Language: de", "* X-Own: 1",
			)}
			base, reported := serveFS(t, h, change)
			for i, method := range []string{"GET", "HEAD", "GET"} {
				resp, _ := send(t, noFollow, method, base+"/movie.mp4?download", nil, "Range", "bytes=0-9")
				r := <-reported
				if resp.StatusCode != http.StatusTemporaryRedirect || r.Status != 307 || r.Reason != "redirected to the store" {
					t.Fatalf("%s: %s, recorded as %d %q", method, resp.Status, r.Status, r.Reason)
				}
				target, err := resp.Location()
				if err != nil {
					t.Fatal(err)
				}
				want := url.Values{
					"n": {fmt.Sprint(i + 1)}, "method": {method}, "life": {"1m0s"}, "size": {"5000"}, "Content-Type": {"video/mp4"},
					"Content-Disposition": {`attachment; filename="movie.mp4"`}, "Cache-Control": {"public, max-age=3600"}, "Content-Language": {"de"},
				}
				if target.Host != "store.example" || target.Path != "/movie.mp4" || target.RawQuery != want.Encode() {
					t.Errorf("%s: sent to %s, want the query %s", method, target, want.Encode())
				}
				for field, want := range map[string]string{
					"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer", "Etag": "", "Content-Range": "", "Accept-Ranges": "",
				} {
					if got := resp.Header.Get(field); got != want || len(resp.Header.Values(field)) > 1 {
						t.Errorf("%s: %s is %q, want %q", method, field, resp.Header.Values(field), want)
					}
				}
			}
		})
	}
}

func rules(t *testing.T, lines ...string) (all []httpd.Rule) {
	t.Helper()
	for _, line := range lines {
		r, err := httpd.ParseRule(line)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func TestWhatIsSentFromHereAllTheSame(t *testing.T) {
	fsys := newSigningFS(t)
	h := &httpd.Handler{
		FS: fsys, RedirectFor: time.Minute, RedirectFrom: 1000, Archives: true, Precompressed: true, CORS: []string{"*"},
		NotFoundPage: "movie.mp4", Fallback: "movie.mp4",
	}
	base, reported := serveFS(t, h, nil)
	resp, _ := get(t, noFollow, base+"/page.html")
	<-reported
	tag := resp.Header.Get("Etag")
	for _, tt := range []struct {
		name, path string
		header     []string
		want       int
	}{
		{"a listing", "/", nil, 200},
		{"an archive", "/ann/?zip", nil, 200},
		{"a checksum", "/movie.mp4?sha256", nil, 200},
		{"a small file", "/small.png", nil, 200},
		{"an empty file", "/empty.bin", nil, 200},
		{"a page", "/page.html", nil, 200},
		{"a stylesheet", "/style.css", nil, 200},
		{"a playlist", "/list.m3u8", nil, 200},
		{"JSON", "/data.json", nil, 200},
		{"a picture with links", "/pic.svg", nil, 200},
		{"a script", "/app.mjs", nil, 200},
		{"an index file", "/dir/", nil, 200},
		{"a directory without its slash", "/dir", nil, 301},
		{"the fallback", "/app/settings", []string{"Accept", "text/html"}, 200},
		{"the page for what is missing", "/missing.png", nil, 404},
		{"for a page of another origin", "/movie.mp4", []string{"Origin", "https://other.example"}, 200},
		{"with a digest", "/movie.mp4", []string{"Want-Repr-Digest", "sha-256=1"}, 200},
		{"a page that the client has", "/page.html", []string{"If-None-Match", tag}, 304},
		{"a file that the client has", "/movie.mp4", []string{"If-Modified-Since", longAgo.Format(http.TimeFormat)}, 304},
		{"with a tag that is not the store's", "/movie.mp4", []string{"Range", "bytes=0-9", "If-Range", `"x"`}, 200},
		{"a file that is another one", "/movie.mp4", []string{"If-Match", `"x"`}, 412},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 {
				if resp, _ := get(t, noFollow, base+tt.path, tt.header...); resp.StatusCode != tt.want {
					t.Errorf("%s, want %d", resp.Status, tt.want)
				}
				<-reported
			}
		})
	}
	if n := fsys.signed.Load(); n != 0 {
		t.Errorf("%d URLs were signed", n)
	}
	// A response that was sent from here is not kept for other requests.
	if resp, _ := get(t, noFollow, base+"/movie.mp4"); resp.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("%s, want 307", resp.Status)
	}
	<-reported
}

func TestWithoutAURLTheFileIsSent(t *testing.T) {
	failing := newSigningFS(t)
	failing.err = errors.New("no credentials")
	off := newSigningFS(t)
	root, err := httpd.Dir(nettest.TempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := afero.WriteFile(root.Writable(), "movie.mp4", []byte("m"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]*httpd.Handler{
		"the store signs nothing":                   {FS: failing, RedirectFor: time.Minute},
		"redirects are off, as they are by default": {FS: off},
		"a directory has no URLs":                   {FS: root, RedirectFor: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			base, reported := serveFS(t, h, nil)
			if resp, body := get(t, noFollow, base+"/movie.mp4"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(body, "m") {
				t.Errorf("%s with %q", resp.Status, body)
			}
			<-reported
		})
	}
	if off.signed.Load() != 0 {
		t.Error("a URL was signed")
	}
}

// The URL is for the place of the file in the whole tree, after the rights were checked in the part that the user sees.
func TestUsersAreSentToTheirOwnFiles(t *testing.T) {
	fsys := newSigningFS(t)
	paths, err := httpd.NewPaths(httpd.PathRights{Path: "/movie.mp4"})
	if err != nil {
		t.Fatal(err)
	}
	h := &httpd.Handler{FS: fsys, Paths: paths, RedirectFor: time.Minute}
	base, reported := serveFS(t, h, func(srv *httpd.Server) {
		srv.Login = func(_ context.Context, _ httpd.Client, user, _ string) (*httpd.Account, error) {
			if user != "ann" {
				return nil, httpd.ErrLogin
			}
			return &httpd.Account{Name: "ann", FS: fsys, Home: "ann", Rights: httpd.List | httpd.Read}, nil
		}
	})
	for _, tt := range []struct {
		name, path, user, want string
		status                 int
	}{
		{"a user in a home", "/film.mp4", "ann", "/ann/film.mp4", 307},
		{"what is not in the home", "/raw.iso", "ann", "", 404},
		{"what a guest may read", "/ann/film.mp4", "", "/ann/film.mp4", 307},
		{"what a guest may not read", "/movie.mp4", "", "", 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var header []string
			if tt.user != "" {
				req, _ := http.NewRequest(http.MethodGet, base, nil)
				req.SetBasicAuth(tt.user, "x")
				header = []string{"Authorization", req.Header.Get("Authorization")}
			}
			resp, _ := get(t, noFollow, base+tt.path, header...)
			<-reported
			target, _ := resp.Location()
			if resp.StatusCode != tt.status || tt.want != "" && (target == nil || target.Path != tt.want) {
				t.Errorf("%s to %v, want %d to %s", resp.Status, target, tt.status, tt.want)
			}
		})
	}
}

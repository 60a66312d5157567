package httpd_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"sluice/httpd"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// A fixture is a Handler for a directory, called without a connection.
type fixture struct {
	*httpd.Handler
	dir string
}

// unnameable reports whether no file can have the name on this system.
func unnameable(name string) bool {
	return runtime.GOOS == "windows" && strings.ContainsAny(name, "\\:?*<>|\"\r\n")
}

// open opens a new directory with the files, named by slash-separated paths; a
// name that ends in a slash is that of a directory. Files with a name that is not
// possible on this system are left out.
func open(t *testing.T, h *httpd.Handler, files map[string]string) *fixture {
	t.Helper()
	s := &fixture{h, nettest.TempDir(t)}
	for name, content := range files {
		if !unnameable(name) {
			s.write(t, name, content)
		}
	}
	tree, err := vfs.Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	h.FS, h.CacheValid = tree, -1
	t.Cleanup(func() { _ = h.Close(); _ = tree.Close() })
	return s
}

// reopen serves the same directory by another Handler.
func (s *fixture) reopen(t *testing.T, h *httpd.Handler) *fixture {
	h.FS, h.CacheValid = s.FS, -1
	t.Cleanup(func() { _ = h.Close() })
	return &fixture{h, s.dir}
}

func (s *fixture) write(t *testing.T, name, content string) {
	t.Helper()
	full := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, "/") {
		if err := os.MkdirAll(full, 0o755); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	nettest.Age(t, full)
}

// age sets a file's time of modification.
// age makes a file older than those that were just written.
func (s *fixture) age(t *testing.T, name string, age time.Duration) {
	t.Helper()
	then := anHourAgo().Add(-age)
	if err := os.Chtimes(filepath.Join(s.dir, name), then, then); err != nil {
		t.Fatal(err)
	}
}

// request answers a request; the header in pairs of name and value.
func (s *fixture) request(t *testing.T, method, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// check compares a response; a field that is wanted as "" must be absent.
func check(t *testing.T, w *httptest.ResponseRecorder, status int, body string, header ...string) {
	t.Helper()
	if w.Code != status || body != "" && w.Body.String() != body {
		t.Errorf("got %d with %.200q, want %d with %.200q", w.Code, w.Body, status, body)
	}
	for i := 0; i < len(header); i += 2 {
		if got := strings.Join(w.Header()[header[i]], " | "); got != header[i+1] {
			t.Errorf("%s: got %q, want %q", header[i], got, header[i+1])
		}
	}
}

func TestMethods(t *testing.T) {
	s := open(t, &httpd.Handler{}, map[string]string{"f": "x"})
	const allow = "GET, HEAD, OPTIONS"
	for method, status := range map[string]int{
		"OPTIONS": 204, "POST": 405, "PUT": 405, "DELETE": 405, "PATCH": 405, "TRACE": 405, "PROPFIND": 405,
		"BREW": 501, "get": 501,
	} {
		check(t, s.request(t, method, "/f"), status, "", "Allow", allow)
	}
	check(t, s.request(t, "GET", "/f"), 200, "x", "Allow", "")
}

func TestHeadHasTheHeaderOfGet(t *testing.T) {
	s := open(t, &httpd.Handler{Archives: true, CompressListings: true, Precompressed: true, CORS: []string{"*"}}, map[string]string{
		"f.txt": "hello", "f.txt.gz": "zipped", "dir/x": "y", "unknown": "text",
	})
	for _, target := range []string{
		"/", "/?sort=size", "/f.txt", "/f.txt?download", "/dir", "/dir/", "/missing", "/unknown", "/dir/?tar", "/dir/?zip", "/f.txt?sha256",
	} {
		header := []string{"Accept-Encoding", "gzip", "Origin", "https://a", "Want-Repr-Digest", "sha-256=1"}
		get, head := s.request(t, "GET", target, header...), s.request(t, "HEAD", target, header...)
		if diff := cmp.Diff(get.Header(), head.Header()); diff != "" || get.Code != head.Code || head.Body.Len() != 0 {
			t.Errorf("%s: %d and %d with %d bytes, header (-GET +HEAD):\n%s", target, get.Code, head.Code, head.Body.Len(), diff)
		}
	}
}

func TestFailuresHaveTheMediaTypeOfTheClient(t *testing.T) {
	s := open(t, &httpd.Handler{}, nil)
	check(t, s.request(t, "GET", "/<script>"), 404, "404 Not Found\n",
		"Content-Type", "text/plain; charset=utf-8", "X-Content-Type-Options", "nosniff", "Vary", "Accept")
	w := s.request(t, "GET", "/<script>", "Accept", "text/html,*/*;q=0.8")
	check(t, w, 404, "", "Content-Type", "text/html; charset=utf-8", "Vary", "Accept")
	if page := w.Body.String(); !strings.Contains(page, "<h1>404 Not Found</h1>") || strings.Contains(page, "script") {
		t.Errorf("got the page\n%s", page)
	}
}

func TestACustomNotFoundPage(t *testing.T) {
	s := open(t, &httpd.Handler{NotFoundPage: "/errors/404.html"}, map[string]string{"errors/404.html": "<p>gone", "dir/": ""})
	for _, target := range []string{"/missing", "/errors/404.html/", "/.hidden"} {
		check(t, s.request(t, "GET", target, "Range", "bytes=0-0", "If-None-Match", "*"), 404, "<p>gone",
			"Content-Type", "text/html; charset=utf-8", "Content-Length", "7", "Etag", "")
	}
	s = s.reopen(t, &httpd.Handler{NotFoundPage: "/dir"})
	check(t, s.request(t, "GET", "/missing"), 404, "404 Not Found\n")
}

func TestAFallbackAnswersForPagesOnly(t *testing.T) {
	s := open(t, &httpd.Handler{Fallback: "/app.html", NoListing: true}, map[string]string{"app.html": "<p>app", "dir/": ""})
	etag := s.request(t, "GET", "/app.html").Header().Get("Etag")
	for _, tt := range []struct {
		target, accept string
		status         int
	}{
		{"/users/7", "", 200},
		{"/users/7/", "*/*", 200},
		{"/dir/", "", 200},
		{"/users/j.doe", "text/html,*/*;q=0.8", 200},
		{"/users/j.doe", "*/*", 404},
		{"/lib/missing.js", "*/*", 404},
		{"/lib/missing.js", "text/html;q=0", 404},
	} {
		w := s.request(t, "GET", tt.target, "Accept", tt.accept)
		if w.Code != tt.status || w.Code == 200 && (w.Body.String() != "<p>app" || w.Header().Get("Etag") != etag) {
			t.Errorf("%s for %q: got %d with %q, want %d", tt.target, tt.accept, w.Code, w.Body, tt.status)
		}
		if got := w.Header().Get("Vary"); got != "Accept" {
			t.Errorf("%s for %q: Vary %q, want Accept", tt.target, tt.accept, got)
		}
	}
	check(t, s.request(t, "GET", "/users/7", "If-None-Match", etag), 304, "", "Vary", "Accept")
}

func TestHiddenNames(t *testing.T) {
	files := map[string]string{".env": "secret", "a/.git/config": "secret", ".well-known/x": "known", "..a": "dots", "a/b": "b"}
	s := open(t, &httpd.Handler{}, files)
	for _, target := range []string{"/.env", "/a/.git/config", "/a/.git/", "/a/.git", "/..a", "/a/b/../.git/config", "/%2eenv", "/a//.git/config"} {
		check(t, s.request(t, "GET", target), 404, "404 Not Found\n")
	}
	check(t, s.request(t, "GET", "/.well-known/x"), 200, "known")
	check(t, s.request(t, "GET", "/a/./b"), 200, "b")
	check(t, s.request(t, "GET", "/a/../a/b"), 200, "b")
	stripped := httptest.NewRequest("GET", "/", nil)
	stripped.URL.Path = ".env" // as http.StripPrefix("/x/", s) passes it
	w := httptest.NewRecorder()
	s.ServeHTTP(w, stripped)
	check(t, w, 404, "404 Not Found\n")
	if page := s.request(t, "GET", "/").Body.String(); strings.Contains(page, ".env") {
		t.Errorf("the listing shows .env:\n%s", page)
	}
	s = s.reopen(t, &httpd.Handler{ShowHidden: true})
	check(t, s.request(t, "GET", "/.env"), 200, "secret")
	if page := s.request(t, "GET", "/").Body.String(); !strings.Contains(page, ".env") {
		t.Errorf("the listing does not show .env:\n%s", page)
	}
}

func TestStatusesOfFilesThatAreNotServed(t *testing.T) {
	s := open(t, &httpd.Handler{}, map[string]string{"f": "x"})
	statuses := map[string]int{
		"/f/": 404, "/f/x": 404, "/none": 404, "/" + strings.Repeat("x", 300): 404,
		"/f%00": 400,
	}
	if runtime.GOOS != "windows" { // links need a privilege there, and wine makes none
		if err := os.Symlink("..", filepath.Join(s.dir, "out")); err != nil {
			t.Fatal(err)
		}
		statuses["/out"], statuses["/out/"], statuses["/out/x"] = 403, 403, 403
	}
	for target, status := range statuses {
		if w := s.request(t, "GET", target); w.Code != status {
			t.Errorf("%s: got %d, want %d", target, w.Code, status)
		}
	}
}

func TestRedirectsLeadToTheDirectory(t *testing.T) {
	s := open(t, &httpd.Handler{}, map[string]string{"sub/f": "x", "a:b/f": "x", "sp ace/f": "x", "q?/f": "x", "evil.com/f": "x"})
	for target, want := range map[string]string{
		"/sub":            "./sub/",
		"/sub?x=1&y":      "./sub/?x=1&y",
		"/a:b":            "./a:b/",
		"/sp%20ace":       "./sp%20ace/",
		"/q%3F":           "./q%3F/",
		"//evil.com":      "./evil.com/",
		"///evil.com":     "./evil.com/",
		"/x/..//evil.com": "./evil.com/",
		"/sub/.":          "./",
		"/sub/f/..":       "../",
	} {
		u, err := url.ParseRequestURI(target) // as a server does
		if err != nil {
			t.Fatal(err)
		}
		if unnameable(u.Path) {
			continue
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.URL = u
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		check(t, w, 301, "", "Location", want)
	}
}

func TestIndexFiles(t *testing.T) {
	files := map[string]string{"a/index.html": "html", "b/index.htm": "htm", "b/index.html/": "", "c/": ""}
	s := open(t, &httpd.Handler{Index: []string{"index.html", "index.htm"}}, files)
	check(t, s.request(t, "GET", "/a/"), 200, "html", "Content-Type", "text/html; charset=utf-8")
	check(t, s.request(t, "GET", "/b/"), 200, "htm")
	if page := s.request(t, "GET", "/c/").Body.String(); !strings.Contains(page, "Index of /c/") {
		t.Errorf("no listing of a directory without an index:\n%s", page)
	}
	s = open(t, &httpd.Handler{Index: []string{}, NoListing: true}, files)
	check(t, s.request(t, "GET", "/a/"), 404, "")
	check(t, s.request(t, "GET", "/a/index.html"), 200, "html")
}

func TestDownload(t *testing.T) {
	s := open(t, &httpd.Handler{}, map[string]string{"ü.html": "x", "site/index.html": "y"})
	check(t, s.request(t, "GET", "/%C3%BC.html?download"), 200, "x", "Content-Disposition", `attachment; filename="_.html"; filename*=UTF-8''%C3%BC.html`)
	check(t, s.request(t, "GET", "/site/?download"), 200, "y", "Content-Disposition", `attachment; filename="index.html"`)
	check(t, s.request(t, "GET", "/%C3%BC.html?v=download"), 200, "x", "Content-Disposition", "")
}

func TestTypesOfFiles(t *testing.T) {
	s := open(t, &httpd.Handler{}, map[string]string{
		"README": "read me", "page": "<html><script>", "pic": "\x89PNG\r\n\x1a\n", "x.HTML": "<p>", "big": strings.Repeat("text ", 20_000),
	})
	for target, want := range map[string]string{
		"/README": "text/plain; charset=utf-8", "/page": "text/plain; charset=utf-8", "/pic": "image/png",
		"/x.HTML": "text/html; charset=utf-8", "/big": "text/plain; charset=utf-8",
	} {
		check(t, s.request(t, "GET", target), 200, "", "Content-Type", want, "X-Content-Type-Options", "nosniff")
	}
}

func TestPrecompressedFiles(t *testing.T) {
	s := open(t, &httpd.Handler{Precompressed: true}, map[string]string{
		"a.js": "plain", "a.js.gz": "gzipped", "a.js.br": "brotlied", "a.js.zst": "zstdied",
		"old.css": "plain", "old.css.br": "stale", "old.css.gz": "fresh",
		"pic.png": "picture", "pic.png.gz": "no",
		"dir.txt": "plain", "dir.txt.gz/": "",
	})
	s.age(t, "old.css.br", time.Hour)
	s.age(t, "old.css", time.Minute)
	s.age(t, "a.js", time.Minute) // the files were made in random order
	s.age(t, "dir.txt", time.Minute)
	for _, tt := range []struct {
		name, target, accept string
		body, coding, vary   string
	}{
		{"the best of several", "/a.js", "gzip, deflate, br, zstd", "zstdied", "zstd", "Accept-Encoding"},
		{"the only one taken", "/a.js", "gzip", "gzipped", "gzip", "Accept-Encoding"},
		{"the most wanted", "/a.js", "zstd;q=0.5, br", "brotlied", "br", "Accept-Encoding"},
		{"none without the field", "/a.js", "", "plain", "", "Accept-Encoding"},
		{"none for a file that does not exist", "/a.js", "deflate", "plain", "", "Accept-Encoding"},
		{"not one that is older than the file", "/old.css", "br, gzip;q=0.1", "fresh", "gzip", "Accept-Encoding"},
		{"not for a type that is compressed already", "/pic.png", "gzip", "picture", "", ""},
		{"not a directory", "/dir.txt", "gzip", "plain", "", "Accept-Encoding"},
		{"requested by its own name", "/a.js.gz", "gzip", "gzipped", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check(t, s.request(t, "GET", tt.target, "Accept-Encoding", tt.accept), 200, tt.body, "Content-Encoding", tt.coding, "Vary", tt.vary)
		})
	}

	plain := s.request(t, "GET", "/a.js").Header().Get("Etag")
	coded := s.request(t, "GET", "/a.js", "Accept-Encoding", "gzip").Header().Get("Etag")
	if plain == coded {
		t.Errorf("both forms have the tag %s", plain)
	}
	check(t, s.request(t, "GET", "/a.js", "Accept-Encoding", "gzip", "Range", "bytes=1-2", "If-Range", coded), 206, "zi",
		"Content-Range", "bytes 1-2/7", "Content-Encoding", "gzip", "Vary", "Accept-Encoding", "Content-Type", "text/javascript; charset=utf-8")
	check(t, s.request(t, "GET", "/a.js", "Accept-Encoding", "gzip", "Range", "bytes=1-2", "If-Range", plain), 200, "gzipped")
	check(t, s.request(t, "GET", "/a.js", "Accept-Encoding", "gzip", "If-None-Match", coded), 304, "", "Vary", "Accept-Encoding", "Etag", coded, "Content-Encoding", "")
	check(t, s.request(t, "GET", "/a.js", "If-None-Match", coded), 200, "plain")

	s.write(t, "b.js", "7 bytes")
	s.write(t, "b.js.gz", "as many")
	s.age(t, "b.js.gz", 0)
	info, err := os.Stat(filepath.Join(s.dir, "b.js.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(s.dir, "b.js"), info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	plain = s.request(t, "GET", "/b.js").Header().Get("Etag")
	if coded := s.request(t, "GET", "/b.js", "Accept-Encoding", "gzip"); coded.Body.String() != "as many" || coded.Header().Get("Etag") == plain {
		t.Errorf("both forms of one size and time have the tag %s: %q", plain, coded.Body)
	}

	s = s.reopen(t, &httpd.Handler{})
	check(t, s.request(t, "GET", "/a.js", "Accept-Encoding", "gzip"), 200, "plain", "Vary", "")
}

func TestRulesAddLines(t *testing.T) {
	var rules []httpd.Rule
	for _, rule := range []string{
		"/** Cache-Control: max-age=1", "*.js Cache-Control: max-age=60", "*.js Content-Language: en", "*.js X-Content-Type-Options:",
		"*.js Vary: Cookie", "*.js Content-Type: application/javascript", "/dir/ Cache-Control: no-store",
	} {
		r, err := httpd.ParseRule(rule)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	s := open(t, &httpd.Handler{Rules: rules, Precompressed: true}, map[string]string{"a.js": "x", "f.txt": "y", "dir/": ""})
	check(t, s.request(t, "GET", "/a.js"), 200, "x", "Cache-Control", "max-age=60", "Content-Language", "en", "X-Content-Type-Options", "",
		"Vary", "Accept-Encoding, Cookie", "Content-Type", "application/javascript")
	check(t, s.request(t, "GET", "/a.js", "If-None-Match", "*"), 304, "", "Cache-Control", "max-age=60", "Content-Language", "", "Content-Type", "", "Vary", "Accept-Encoding, Cookie")
	check(t, s.request(t, "GET", "/f.txt"), 200, "y", "Cache-Control", "max-age=1")
	check(t, s.request(t, "GET", "/dir"), 301, "", "Cache-Control", "no-store")
	check(t, s.request(t, "GET", "/dir/"), 200, "", "Cache-Control", "no-store")
	check(t, s.request(t, "GET", "/missing.js"), 404, "", "Cache-Control", "")
	check(t, s.request(t, "GET", "/a.js", "Range", "bytes=9-"), 416, "", "Cache-Control", "")
}

func TestCORS(t *testing.T) {
	const origin = "https://app.example"
	s := open(t, &httpd.Handler{CORS: []string{origin, "http://localhost:3000"}}, map[string]string{"f": "x"})
	check(t, s.request(t, "GET", "/f", "Origin", origin), 200, "x", "Access-Control-Allow-Origin", origin, "Vary", "Origin")
	check(t, s.request(t, "GET", "/f", "Origin", "https://evil.example"), 200, "x", "Access-Control-Allow-Origin", "", "Vary", "Origin")
	check(t, s.request(t, "GET", "/f"), 200, "x", "Access-Control-Allow-Origin", "", "Vary", "Origin")
	check(t, s.request(t, "GET", "/f", "Origin", origin, "If-None-Match", "*"), 304, "", "Access-Control-Allow-Origin", origin, "Vary", "Origin")
	check(t, s.request(t, "GET", "/missing", "Origin", origin), 404, "", "Access-Control-Allow-Origin", origin, "Vary", "Accept, Origin")
	preflight := []string{"Origin", origin, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "range"}
	w := s.request(t, "OPTIONS", "/f", preflight...)
	check(t, w, 204, "", "Access-Control-Allow-Origin", origin, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	if got := w.Header().Get("Access-Control-Allow-Headers"); !strings.Contains(got, "Range") {
		t.Errorf("Access-Control-Allow-Headers: %q, want Range in it", got)
	}
	preflight[1] = "https://evil.example"
	check(t, s.request(t, "OPTIONS", "/f", preflight...), 204, "", "Access-Control-Allow-Origin", "", "Access-Control-Allow-Methods", "")

	s = s.reopen(t, &httpd.Handler{CORS: []string{"*"}})
	check(t, s.request(t, "GET", "/f"), 200, "x", "Access-Control-Allow-Origin", "*", "Vary", "")
	check(t, s.request(t, "GET", "/f", "Origin", "null"), 200, "x", "Access-Control-Allow-Origin", "*", "Vary", "")
	s = s.reopen(t, &httpd.Handler{})
	check(t, s.request(t, "GET", "/f", "Origin", origin), 200, "x", "Access-Control-Allow-Origin", "", "Vary", "")
}

func TestListingsAreCompressedOnTheFly(t *testing.T) {
	files := map[string]string{}
	for c := 'a'; c <= 'z'; c++ {
		files[strings.Repeat(string(c), 10)+".txt"] = "x"
	}
	s := open(t, &httpd.Handler{CompressListings: true}, files)
	plain := s.request(t, "GET", "/")
	check(t, plain, 200, "", "Content-Encoding", "", "Vary", "Accept, Accept-Encoding")
	for coding, decode := range map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	} {
		for range 3 { // encoders are reused
			w := s.request(t, "GET", "/", "Accept-Encoding", coding)
			check(t, w, 200, "", "Content-Encoding", coding, "Vary", "Accept, Accept-Encoding")
			r, err := decode(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, plain.Body.Bytes()) {
				t.Errorf("%s: %d bytes, %v, want the %d of the page", coding, len(got), err, plain.Body.Len())
			}
		}
	}
	etag := plain.Header().Get("Etag")
	check(t, s.request(t, "GET", "/", "If-None-Match", etag, "Accept-Encoding", "gzip"), 304, "", "Etag", etag, "Vary", "Accept, Accept-Encoding")
	check(t, s.request(t, "GET", "/", "If-None-Match", etag, "Accept", "application/json"), 200, "")
	s.write(t, "new", "x")
	check(t, s.request(t, "GET", "/", "If-None-Match", etag), 200, "")
}

// In a server of net/http ranges are the same as on the fast path, with HTTP/1 and
// HTTP/2.
func TestTheHandlerInANetHTTPServer(t *testing.T) {
	content := strings.Repeat("0123456789", 10_000)
	s := open(t, &httpd.Handler{}, map[string]string{"f.txt": content, "empty": "", "dir/x": "y"})
	plain := httptest.NewServer(s)
	defer plain.Close()
	secure := httptest.NewUnstartedServer(s)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	for _, server := range []*httptest.Server{plain, secure} {
		for _, tt := range []struct {
			name, target, rng string
			status            int
			body              string
			length            int64
			contentRange      string
		}{
			{"whole", "/f.txt", "", 200, content, 100_000, ""},
			{"the beginning", "/f.txt", "bytes=0-4", 206, "01234", 5, "bytes 0-4/100000"},
			{"from the middle on", "/f.txt", "bytes=50000-", 206, content[50_000:], 50_000, "bytes 50000-99999/100000"},
			{"the end", "/f.txt", "bytes=-5", 206, "56789", 5, "bytes 99995-99999/100000"},
			{"the middle", "/f.txt", "bytes=3-7", 206, "34567", 5, "bytes 3-7/100000"},
			{"no bytes at the end", "/f.txt", "bytes=-0", 416, "", -1, "bytes */100000"},
			{"beyond", "/f.txt", "bytes=100000-", 416, "", -1, "bytes */100000"},
			{"over the end", "/f.txt", "bytes=99990-100010", 206, "0123456789", 10, "bytes 99990-99999/100000"},
			{"ranges that are one", "/f.txt", "bytes=0-9,5-20", 206, content[:21], 21, "bytes 0-20/100000"},
			{"no syntax", "/f.txt", "bytes=a-b", 200, content, 100_000, ""},
			{"another unit", "/f.txt", "seconds=0-1", 200, content, 100_000, ""},
			{"nothing", "/empty", "", 200, "", 0, ""},
			{"a part of nothing", "/empty", "bytes=0-", 416, "", -1, "bytes */0"},
			{"the end of nothing", "/empty", "bytes=-1", 200, "", 0, ""},
			{"a listing has no ranges", "/dir/", "bytes=0-4", 200, "", -1, ""},
		} {
			t.Run(server.URL[:5]+" "+tt.name, func(t *testing.T) {
				r, err := http.NewRequest("GET", server.URL+tt.target, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Accept-Encoding", "identity")
				if tt.rng != "" {
					r.Header.Set("Range", tt.rng)
				}
				resp, err := server.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != tt.status || tt.body != "" && string(body) != tt.body {
					t.Errorf("got %s, %d bytes, %v, want %d with %d", resp.Status, len(body), err, tt.status, len(tt.body))
				}
				if tt.length >= 0 && resp.ContentLength != tt.length {
					t.Errorf("Content-Length %d, want %d", resp.ContentLength, tt.length)
				}
				if got := resp.Header.Get("Content-Range"); got != tt.contentRange {
					t.Errorf("Content-Range %q, want %q", got, tt.contentRange)
				}
			})
		}
		r, err := http.NewRequest("GET", server.URL+"/f.txt", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Range", "bytes=0-1,50000-59999,-1")
		resp, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, contents := parts(t, resp.Header.Get("Content-Type"), resp.Body)
		_ = resp.Body.Close()
		if diff := cmp.Diff([]string{"01", content[50_000:60_000], "9"}, contents); diff != "" || resp.ContentLength < 10_000 {
			t.Errorf("%s: %s with Content-Length %d, parts (-want +got):\n%.500s", server.URL, resp.Status, resp.ContentLength, diff)
		}
	}
}

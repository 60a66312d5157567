package httpd_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// serveAny starts a Server on a free port.
func serveAny(t *testing.T, srv *httpd.Server) (url string, reported <-chan httpd.Transfer) {
	t.Helper()
	ln := listenLocal(t)
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	return "http://" + ln.Addr().String(), nil
}

// tagging is middleware that passes on the ResponseWriter.
func tagging(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Middleware", "passed")
		h.ServeHTTP(w, r)
	})
}

// statusWriter is a typical ResponseWriter of middleware.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// readerFromWriter passes on the methods that sendfile needs.
type readerFromWriter struct{ statusWriter }

func (w *readerFromWriter) ReadFrom(r io.Reader) (int64, error) { return io.Copy(w.ResponseWriter, r) }
func (w *readerFromWriter) Unwrap() http.ResponseWriter         { return w.ResponseWriter }

// blindWriter has a ReadFrom, but no Flush.
type blindWriter struct{ statusWriter }

func (w *blindWriter) ReadFrom(r io.Reader) (int64, error) {
	return w.ResponseWriter.(io.ReaderFrom).ReadFrom(r)
}

func wrapping(wrap func(http.ResponseWriter) http.ResponseWriter) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(wrap(w), r) })
	}
}

// The method by which a file is sent through each wrapper that may stand between a
// Handler and the connection, in an http.Server and in a Server.
func TestTheMethodBehindMiddleware(t *testing.T) {
	const size = 3_000_000
	dir := nettest.TempDir(t)
	f, err := os.Create(filepath.Join(dir, "f"))
	if err == nil {
		_, err = io.Copy(f, nettest.Pattern(size))
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	for _, tt := range []struct {
		name  string
		wrap  func(http.Handler) http.Handler
		plain sendfile.Method // without TLS
	}{
		{"nothing", func(h http.Handler) http.Handler { return h }, fastMethod},
		{"a mux", func(h http.Handler) http.Handler { mux := http.NewServeMux(); mux.Handle("/", h); return mux }, fastMethod},
		{"middleware", tagging, fastMethod},
		{"http.MaxBytesHandler", func(h http.Handler) http.Handler { return http.MaxBytesHandler(h, 10) }, fastMethod},
		{"a writer that passes on ReadFrom", wrapping(func(w http.ResponseWriter) http.ResponseWriter {
			return &readerFromWriter{statusWriter{ResponseWriter: w}}
		}), fastMethod},
		{"a writer that passes on ReadFrom and cannot flush", wrapping(func(w http.ResponseWriter) http.ResponseWriter {
			return &blindWriter{statusWriter{ResponseWriter: w}}
		}), sendfile.Copy}, // of 512 bytes
		{"a writer that passes on nothing", wrapping(func(w http.ResponseWriter) http.ResponseWriter {
			return &statusWriter{ResponseWriter: w}
		}), sendfile.Copy},
		{"http.TimeoutHandler", func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Minute, "") }, sendfile.Copy},
	} {
		for _, where := range []string{"http.Server", "httpd.Server", "TLS", "HTTP/2", "a server with a WriteTimeout"} {
			t.Run(tt.name+" in "+where, func(t *testing.T) {
				root, err := httpd.Dir(dir)
				if err != nil {
					t.Fatal(err)
				}
				defer root.Close()
				reported := make(chan httpd.Transfer, 1)
				h := &httpd.Handler{FS: root, OnTransfer: func(r httpd.Transfer) { reported <- r }}
				defer h.Close()
				want, base, client := tt.plain, "", http.DefaultClient
				if where == "httpd.Server" {
					base, _ = serveAny(t, &httpd.Server{Handler: tt.wrap(h)})
				} else {
					srv := httptest.NewUnstartedServer(tt.wrap(h))
					defer srv.Close()
					switch where {
					case "TLS", "HTTP/2":
						srv.EnableHTTP2 = where == "HTTP/2"
						srv.StartTLS()
						want = sendfile.Copy
					case "a server with a WriteTimeout":
						srv.Config.WriteTimeout = time.Minute
						fallthrough
					default:
						srv.Start()
					}
					base, client = srv.URL, srv.Client()
				}
				for range 2 {
					resp, err := client.Get(base + "/f")
					if err != nil {
						t.Fatal(err)
					}
					got := <-nettest.Sum(t, resp.Body)
					_ = resp.Body.Close()
					r := <-reported
					if got.Err != nil || got.SHA256 != nettest.PatternSum(0, size) || resp.ContentLength != size && want == fastMethod {
						t.Errorf("%s with %d other bytes, %v", resp.Status, got.N, got.Err)
					}
					if r.Method != want || r.Sent != size || r.Err != nil || r.Remote.Port() == 0 || want == sendfile.Sendfile && r.ZeroCopied != size {
						t.Errorf("%d bytes, %d of them zero-copied, by %v to %v, %v, want by %v", r.Sent, r.ZeroCopied, r.Method, r.Remote, r.Err, want)
					}
				}
			})
		}
	}
}

// A browser that follows redirects and links from the path at which a Handler is
// mounted finds its files, for each way of mounting it.
func TestLinksHoldBehindStripPrefix(t *testing.T) {
	root := func(t *testing.T) *httpd.Root {
		dir := nettest.TempDir(t)
		for name, content := range map[string]string{"a.txt": "a", "d e/b#c.txt": "b", "d e/x/y.txt": "y", "page/index.html": "page"} {
			full := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		r, err := httpd.Dir(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Close() })
		return r
	}
	for _, tt := range []struct {
		name, mount string // the prefix of the files
		handler     func(h http.Handler) http.Handler
	}{
		{"at the top", "", func(h http.Handler) http.Handler { return h }},
		{"by StripPrefix", "/files", func(h http.Handler) http.Handler { return http.StripPrefix("/files", h) }},
		{"by StripPrefix with a slash", "/files", func(h http.Handler) http.Handler { return http.StripPrefix("/files/", h) }},
		{"by StripPrefix of two elements", "/a b/files", func(h http.Handler) http.Handler { return http.StripPrefix("/a b/files", h) }},
		{"in a mux", "/files", func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/files/", http.StripPrefix("/files", h))
			return mux
		}},
	} {
		for _, ours := range []bool{false, true} {
			name := tt.name + map[bool]string{false: " in http.Server", true: " in httpd.Server"}[ours]
			t.Run(name, func(t *testing.T) {
				h := tt.handler(httpd.FileServer(root(t)))
				var base string
				if ours {
					base, _ = serveAny(t, &httpd.Server{Handler: h})
				} else {
					srv := httptest.NewServer(h)
					defer srv.Close()
					base = srv.URL
				}
				mounted := base + (&url.URL{Path: tt.mount}).EscapedPath()
				for target, want := range map[string]string{
					"/":            mounted + "/",
					"/d%20e":       mounted + "/d%20e/",
					"/d%20e?x=1":   mounted + "/d%20e/?x=1",
					"/page":        mounted + "/page/",
					"/d%20e/x?a=b": mounted + "/d%20e/x/?a=b",
				} {
					resp, body := get(t, http.DefaultClient, mounted+target)
					if at := resp.Request.URL.String(); at != want || resp.StatusCode != 200 {
						t.Errorf("%s led to %s with %s, want %s", target, at, resp.Status, want)
					}
					if strings.Contains(target, "page") && body != "page" {
						t.Errorf("%s: got %q", target, body)
					}
				}
				if tt.mount != "" && tt.name != "by StripPrefix with a slash" { // it needs the slash
					if resp, _ := get(t, http.DefaultClient, mounted); resp.Request.URL.String() != mounted+"/" {
						t.Errorf("the mount itself led to %s with %s, want %s/", resp.Request.URL, resp.Status, mounted)
					}
				}
				crawl(t, mounted+"/", 5) // "/", "/d e/", "/d e/x/" and the files a.txt, b#c.txt and y.txt; page/
			})
		}
	}
}

// crawl follows all links from top on. Each must lead to a path below top, and there
// must be atLeast of them, besides top and one more directory.
func crawl(t *testing.T, top string, atLeast int) {
	t.Helper()
	link := regexp.MustCompile(`href="([^"]*)"`)
	seen := map[string]bool{}
	todo := []string{top}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		if seen[at] {
			continue
		}
		seen[at] = true
		resp, body := get(t, http.DefaultClient, at)
		if resp.StatusCode != 200 || resp.Request.URL.String() != at {
			t.Errorf("the link to %s leads to %s with %s", at, resp.Request.URL, resp.Status)
		}
		if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
			continue
		}
		for _, m := range link.FindAllStringSubmatch(body, -1) {
			to, err := resp.Request.URL.Parse(strings.ReplaceAll(m[1], "&amp;", "&"))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(to.String(), top) {
				t.Errorf("%s links to %s, which is not below %s", at, to, top)
			}
			if to.RawQuery == "" {
				todo = append(todo, to.String())
			}
		}
	}
	if len(seen) < atLeast+2 {
		t.Errorf("crawled %d pages and files, want %d at least", len(seen), atLeast+2)
	}
}

// A client that takes nothing is cut in other servers too, unless they have a
// WriteTimeout.
func TestAStalledClientIsCutInAnotherServer(t *testing.T) {
	dir := nettest.TempDir(t)
	if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "f"), 1<<30); err != nil {
		t.Fatal(err)
	}
	root, err := httpd.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	reported := make(chan httpd.Transfer, 1)
	srv := httptest.NewServer(&httpd.Handler{
		FS: root, StallTimeout: 50 * time.Millisecond, OnTransfer: func(r httpd.Transfer) { reported <- r },
	})
	defer srv.Close()
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /f HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if r := <-reported; r.Err == nil || r.Outcome.String() != "peer" || r.Method != fastMethod {
		t.Errorf("reported %v by %v, %v, want that the peer failed", r.Outcome, r.Method, r.Err)
	}
}

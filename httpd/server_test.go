package httpd_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// fastMethod is the method of a file's body here.
var fastMethod = map[bool]sendfile.Method{true: sendfile.Sendfile, false: sendfile.Copy}[runtime.GOOS == "linux"]

// A site is a server under test and its reports.
type site struct {
	*httpd.Server
	dir  string
	addr string
	url  string

	mu       sync.Mutex // guards the field below
	requests []httpd.Transfer
	recorded chan struct{} // one for each request
}

// handler returns the Handler of a server.
func handler(srv *httpd.Server) *httpd.Handler { return srv.Handler.(*httpd.Handler) }

// serve serves a new directory; change may set more fields.
func serve(t *testing.T, change func(*httpd.Server)) *site {
	t.Helper()
	s := &site{dir: nettest.TempDir(t), recorded: make(chan struct{}, 1000)}
	tree, err := vfs.Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	// No file is kept, so that each test sees at once what it changes.
	s.Server = &httpd.Server{Handler: &httpd.Handler{FS: tree, CacheValid: -1}, OnTransfer: func(r httpd.Transfer) {
		s.mu.Lock()
		s.requests = append(s.requests, r)
		s.mu.Unlock()
		s.recorded <- struct{}{}
	}}
	if change != nil {
		change(s.Server)
	}
	ln := listenLocal(t)
	s.addr = ln.Addr().String()
	s.url = "http://" + s.addr
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		_ = s.Close()
		_ = handler(s.Server).Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve = %v, want %v", err, http.ErrServerClosed)
		}
		_ = tree.Close()
	})
	return s
}

// listenLocal listens on a port of loopback. With SLUICE_TEST_DRIVER=goroutines, servers have
// no event loops, on Linux too.
func listenLocal(t *testing.T) net.Listener {
	t.Helper()
	var ln net.Listener
	var err error
	if os.Getenv("SLUICE_TEST_DRIVER") == "goroutines" {
		ln, err = net.Listen("tcp", "127.0.0.1:0")
	} else {
		ln, err = httpd.Listen(t.Context(), "tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// report waits for the next report and returns it.
func (s *site) report(t *testing.T) httpd.Transfer {
	t.Helper()
	<-s.recorded
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[len(s.requests)-1]
}

func (s *site) write(t *testing.T, name, content string) {
	t.Helper()
	full := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	nettest.Age(t, full)
}

func (s *site) pattern(t *testing.T, name string, size int64) {
	t.Helper()
	f, err := os.Create(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, nettest.Pattern(size)); err != nil {
		t.Fatal(err)
	}
	nettest.Age(t, f.Name())
}

// dial opens a connection of its own to the server.
func (s *site) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// do sends a request as it is given, and follows no redirects and decodes nothing.
func (s *site) do(t *testing.T, method, target string, header http.Header) (*http.Response, string) {
	t.Helper()
	c := s.dial(t)
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n", method, target)
	if err := header.Write(c); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestTheBodyOfAFileGoesBySendfile(t *testing.T) {
	const size = 3<<20 + 17
	s := serve(t, nil)
	s.pattern(t, "file.bin", size)
	for _, tt := range []struct {
		name   string
		header http.Header
		status int
		off, n int64
	}{
		{"whole", nil, 200, 0, size},
		{"a range", http.Header{"Range": {"bytes=1000000-1999999"}}, 206, 1000000, 1000000},
		{"the end", http.Header{"Range": {"bytes=-5"}}, 206, size - 5, 5},
		{"one byte", http.Header{"Range": {"bytes=0-0"}}, 206, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := s.do(t, "GET", "/file.bin", tt.header)
			if resp.StatusCode != tt.status || int64(len(body)) != tt.n || sha256.Sum256([]byte(body)) != nettest.PatternSum(tt.off, tt.n) {
				t.Errorf("%s with %d bytes, want %d with the %d at %d", resp.Status, len(body), tt.status, tt.n, tt.off)
			}
			record := s.report(t)
			want := sendfile.Result{Sent: tt.n, Method: fastMethod}
			if fastMethod == sendfile.Sendfile {
				want.ZeroCopied = tt.n
			}
			if record.Result != want || record.Err != nil || record.Status != tt.status {
				t.Errorf("recorded %+v, want %+v", record, want)
			}
		})
	}
}

func TestACopyCanBeForced(t *testing.T) {
	s := serve(t, func(srv *httpd.Server) { handler(srv).Method = sendfile.Copy })
	s.pattern(t, "file", 100_000)
	_, body := s.do(t, "GET", "/file", nil)
	if record := s.report(t); record.Result != (sendfile.Result{Sent: 100_000, Method: sendfile.Copy}) || len(body) != 100_000 {
		t.Errorf("recorded %+v for %d bytes, want 100000 copied", record, len(body))
	}
}

func TestOneConnectionCarriesManyRequests(t *testing.T) {
	s := serve(t, nil)
	s.pattern(t, "a", 70_000)
	s.write(t, "b", "bb")
	s.write(t, "empty", "")
	c := s.dial(t)
	r := bufio.NewReader(c)
	for _, tt := range []struct {
		method, target string
		status         int
		n              int64
	}{
		{"GET", "/a", 200, 70_000},
		{"HEAD", "/a", 200, 0},
		{"GET", "/missing", 404, 14},
		{"GET", "/empty", 200, 0},
		{"GET", "/b", 200, 2},
		{"GET", "/a", 200, 70_000},
	} {
		fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: test\r\n\r\n", tt.method, tt.target)
		resp, err := http.ReadResponse(r, &http.Request{Method: tt.method})
		if err != nil {
			t.Fatalf("%s %s: %v", tt.method, tt.target, err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if err != nil || resp.StatusCode != tt.status || n != tt.n || resp.Close {
			t.Errorf("%s %s: %s with %d bytes, %v, close %v, want %d with %d on an open connection", tt.method, tt.target, resp.Status, n, err, resp.Close, tt.status, tt.n)
		}
	}
}

func TestAnswers(t *testing.T) {
	s := serve(t, nil)
	s.write(t, "hello.txt", "hello")
	s.write(t, "sub/page.html", "<p>")
	s.write(t, "site/index.html", "<p>index")
	s.write(t, ".secret", "secret")
	s.write(t, ".well-known/security.txt", "contact")
	s.write(t, "sub/.git/config", "secret")
	s.write(t, "sub/a name with spaces & 'b'.txt", "x")
	s.write(t, "evil.com/x", "x")
	for _, tt := range []struct {
		name, method, target string
		status               int
		header               map[string]string // what must be there; "-" must not
		body                 string            // what the body contains
	}{
		{"a file", "GET", "/hello.txt", 200, map[string]string{"Content-Type": "text/plain; charset=utf-8", "Content-Length": "5", "Accept-Ranges": "bytes"}, "hello"},
		{"its header", "HEAD", "/hello.txt", 200, map[string]string{"Content-Length": "5", "Content-Type": "text/plain; charset=utf-8"}, ""},
		{"a query is not part of the name", "GET", "/hello.txt?v=1", 200, nil, "hello"},
		{"escapes are decoded once", "GET", "/hello%2etxt", 200, nil, "hello"},
		{"escapes are not decoded twice", "GET", "/hello%252etxt", 404, nil, ""},
		{"a name with spaces", "GET", "/sub/a%20name%20with%20spaces%20&%20%27b%27.txt", 200, nil, "x"},
		{"a missing file", "GET", "/missing", 404, map[string]string{"Content-Type": "text/plain; charset=utf-8"}, "404 Not Found"},
		{"a file as a directory", "GET", "/hello.txt/", 404, nil, ""},
		{"below a file", "GET", "/hello.txt/x", 404, nil, ""},
		{"a name that is too long", "GET", "/" + strings.Repeat("x", 300), 404, nil, ""},
		{"a NUL", "GET", "/hello.txt%00", 400, nil, ""},
		{"another method", "DELETE", "/hello.txt", 405, map[string]string{"Allow": "GET, HEAD, OPTIONS"}, "405"},
		{"POST", "POST", "/", 405, map[string]string{"Allow": "GET, HEAD, OPTIONS"}, ""},
		{"OPTIONS", "OPTIONS", "/hello.txt", 204, map[string]string{"Allow": "GET, HEAD, OPTIONS"}, ""},
		{"OPTIONS of the server", "OPTIONS", "*", 204, map[string]string{"Allow": "GET, HEAD, OPTIONS"}, ""},
		{"a listing", "GET", "/", 200, map[string]string{"Content-Type": "text/html; charset=utf-8"}, `<a href="hello.txt">hello.txt</a>`},
		{"the header of a listing", "HEAD", "/", 200, map[string]string{"Content-Type": "text/html; charset=utf-8"}, ""},
		{"a listing below", "GET", "/sub/", 200, nil, `<a href="../">../</a>`},
		{"a listing escapes names", "GET", "/sub/", 200, nil, `<a href="a%20name%20with%20spaces%20%26%20%27b%27.txt">a name with spaces &#38; &#39;b&#39;.txt</a>`},
		{"an index file stands for its directory", "GET", "/site/", 200, map[string]string{"Content-Type": "text/html; charset=utf-8"}, "<p>index"},
		{"a directory without its slash", "GET", "/sub?x=1", 301, map[string]string{"Location": "./sub/?x=1"}, ""},
		{"no redirect to another host", "GET", "//evil.com", 301, map[string]string{"Location": "./evil.com/"}, ""},
		{"a dot file", "GET", "/.secret", 404, nil, ""},
		{"below a dot directory", "GET", "/sub/.git/config", 404, nil, ""},
		{"a well-known name", "GET", "/.well-known/security.txt", 200, nil, "contact"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := s.do(t, tt.method, tt.target, nil)
			if resp.StatusCode != tt.status || !strings.Contains(body, tt.body) {
				t.Errorf("%s, body %.200q, want %d with %q", resp.Status, body, tt.status, tt.body)
			}
			for name, want := range tt.header {
				if got := resp.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if record := s.report(t); record.Status != tt.status || record.Op != tt.method || record.Target != tt.target {
				t.Errorf("recorded %+v, want %s %s: %d", record, tt.method, tt.target, tt.status)
			}
		})
	}
	_, page := s.do(t, "GET", "/", nil)
	if strings.Contains(page, "secret") {
		t.Error("the listing shows a dot file")
	}
}

func TestConditionsFollowTheFile(t *testing.T) {
	s := serve(t, nil)
	s.write(t, "f", "one")
	first, _ := s.do(t, "GET", "/f", nil)
	etag := first.Header.Get("Etag")
	if resp, body := s.do(t, "GET", "/f", http.Header{"If-None-Match": {etag}}); resp.StatusCode != 304 || body != "" {
		t.Errorf("unchanged: %s with %q, want 304 without a body", resp.Status, body)
	}
	// A file of the same size that was made before.
	info, err := os.Stat(filepath.Join(s.dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "f.old", "two")
	before := info.ModTime().Add(-24 * time.Hour)
	if err := os.Chtimes(filepath.Join(s.dir, "f.old"), before, before); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(s.dir, "f.old"), filepath.Join(s.dir, "f")); err != nil {
		t.Fatal(err)
	}
	for name, header := range map[string]http.Header{
		"If-None-Match": {"If-None-Match": {etag}}, "If-Modified-Since": {"If-Modified-Since": {first.Header.Get("Last-Modified")}},
		"If-Range": {"Range": {"bytes=1-"}, "If-Range": {etag}}, "If-Range with the date": {"Range": {"bytes=1-"}, "If-Range": {first.Header.Get("Last-Modified")}},
	} {
		if resp, body := s.do(t, "GET", "/f", header); resp.StatusCode != 200 || body != "two" {
			t.Errorf("put back, %s: %s with %q, want 200 with the older file", name, resp.Status, body)
		}
	}
}

// Nix and OSTree give all files second 1 or 0.
func TestTimesThatSayNothingAreNoValidators(t *testing.T) {
	for name, second := range map[string]int64{"second 0": 0, "second 1": 1} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil)
			when := time.Unix(second, 0)
			replace := func(content string) {
				s.write(t, "f.new", content)
				if err := os.Chtimes(filepath.Join(s.dir, "f.new"), when, when); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(filepath.Join(s.dir, "f.new"), filepath.Join(s.dir, "f")); err != nil {
					t.Fatal(err)
				}
			}
			replace("one")
			first, _ := s.do(t, "GET", "/f", nil)
			etag := first.Header.Get("Etag")
			if modified := first.Header.Get("Last-Modified"); modified != "" || etag != "" && !strings.HasPrefix(etag, "W/") {
				t.Errorf("Last-Modified %q and ETag %s, want no date, and no strong tag", modified, etag)
			}
			if resp, _ := s.do(t, "GET", "/f", http.Header{"If-None-Match": {etag}}); runtime.GOOS == "linux" && resp.StatusCode != 304 {
				t.Errorf("unchanged: %s, want 304", resp.Status)
			}
			replace("two")
			for name, header := range map[string]http.Header{
				"If-None-Match": {"If-None-Match": {etag}}, "If-Modified-Since": {"If-Modified-Since": {when.UTC().Format(http.TimeFormat)}},
				"If-Range": {"Range": {"bytes=1-"}, "If-Range": {etag}}, "If-Range with the date": {"Range": {"bytes=1-"}, "If-Range": {when.UTC().Format(http.TimeFormat)}},
			} {
				if etag == "" && header.Get("Range") == "" {
					continue
				}
				if resp, body := s.do(t, "GET", "/f", header); resp.StatusCode != 200 || body != "two" {
					t.Errorf("replaced, %s: %s with %q, want 200 with the new file", name, resp.Status, body)
				}
			}
		})
	}
}

func TestTheTagStaysThroughChangesThatAreNoneOfTheContent(t *testing.T) {
	s, replica := serve(t, nil), serve(t, nil)
	s.write(t, "f", "content")
	first, _ := s.do(t, "GET", "/f", nil)
	etag := first.Header.Get("Etag")
	if !strings.HasPrefix(etag, `"`) {
		t.Errorf("the tag is %s, want a strong one", etag)
	}
	info, err := os.Stat(filepath.Join(s.dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(s.dir, "f"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(s.dir, "f"), filepath.Join(s.dir, "link")); err != nil {
		t.Fatal(err)
	}
	replica.write(t, "f", "content")
	if err := os.Chtimes(filepath.Join(replica.dir, "f"), info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*site{"after chmod and ln": s, "on a replica": replica} {
		if resp, body := s.do(t, "GET", "/f", http.Header{"Range": {"bytes=3-"}, "If-Range": {etag}}); resp.StatusCode != 206 || body != "tent" {
			t.Errorf("%s: %s with %q and the tag %s, want the rest of the file", name, resp.Status, body, resp.Header.Get("Etag"))
		}
	}
}

// A file may change again within the interval of the clock.
func TestTheTagOfAFileThatHasJustChangedIsWeak(t *testing.T) {
	s := serve(t, func(srv *httpd.Server) { cached(srv); srv.OnTransfer = nil })
	s.write(t, "f.bin", "content")
	now := time.Now().Truncate(time.Millisecond) // as of a file system with a coarse clock
	if err := os.Chtimes(filepath.Join(s.dir, "f.bin"), now, now); err != nil {
		t.Fatal(err)
	}
	young, _ := s.do(t, "GET", "/f.bin", nil)
	etag := young.Header.Get("Etag")
	if !strings.HasPrefix(etag, `W/"`) {
		t.Errorf("the tag is %s, want a weak one", etag)
	}
	if resp, _ := s.do(t, "GET", "/f.bin", http.Header{"If-None-Match": {etag}}); resp.StatusCode != 304 {
		t.Errorf("%s, want 304", resp.Status)
	}
	for _, condition := range []string{etag, strings.TrimPrefix(etag, "W/"), young.Header.Get("Last-Modified")} {
		if resp, _ := s.do(t, "GET", "/f.bin", http.Header{"Range": {"bytes=3-"}, "If-Range": {condition}}); resp.StatusCode != 200 {
			t.Errorf("If-Range: %s: %s, want the whole file", condition, resp.Status)
		}
	}
	resp, _ := s.do(t, "GET", "/f.bin", nil)
	for deadline := time.Now().Add(10 * time.Second); strings.HasPrefix(resp.Header.Get("Etag"), "W/") && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
		resp, _ = s.do(t, "GET", "/f.bin", nil)
	}
	if got := resp.Header.Get("Etag"); "W/"+got != etag {
		t.Errorf("later the tag is %s, want %s", got, strings.TrimPrefix(etag, "W/"))
	}
}

// An editor that reads what somebody has just changed can save it.
func TestATagIsStrongSoonWhereTheClockIsFine(t *testing.T) {
	needsRemoval(t)
	for _, tt := range []struct {
		name   string
		inRAM  bool // a file system that is none of this host
		within time.Duration
		isWeak bool
	}{
		{"a fraction of a millisecond on a disk", false, 200*time.Millisecond + 7*time.Microsecond, runtime.GOOS != "linux"},
		{"whole milliseconds on a disk", false, 200 * time.Millisecond, true},
		{"a fraction of a millisecond elsewhere", true, 200*time.Millisecond + 7*time.Microsecond, true},
		{"a moment ago on a disk", false, -7 * time.Microsecond, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for {
				root, _ := writable(t, map[string]string{"f": "content"})
				modified := time.Now().Truncate(time.Millisecond).Add(-tt.within)
				h := &httpd.Handler{FS: root, Write: mounting, WebDAV: true}
				if tt.inRAM {
					h.FS = afero.NewMemMapFs()
					fill(t, h.FS, map[string]string{"f": "content"})
				}
				if err := h.FS.Chtimes("/f", modified, modified); err != nil {
					t.Fatal(err)
				}
				url, _ := serveFS(t, h, nil)
				resp, _ := dav(t, "GET", url+"/f", "")
				_, found := dav(t, "PROPFIND", url+"/f", "", "Depth", "0")
				saved, _ := dav(t, "PUT", url+"/f", "changed", "If-Match", resp.Header.Get("Etag"))
				if took := time.Since(modified); took > 2*time.Second || tt.within < 0 && took > 100*time.Millisecond {
					continue // this machine is too slow to see it
				}
				tag, status := resp.Header.Get("Etag"), http.StatusNoContent
				if tt.isWeak {
					status = http.StatusPreconditionFailed
				}
				if strings.HasPrefix(tag, "W/") != tt.isWeak || saved.StatusCode != status {
					t.Errorf("the tag is %s, and PUT with it %d", tag, saved.StatusCode)
				}
				if escaped := strings.ReplaceAll(tag, `"`, "&#34;"); !strings.Contains(found, ">"+tag+"<") && !strings.Contains(found, ">"+escaped+"<") {
					t.Errorf("PROPFIND has another one than %s: %s", tag, found)
				}
				return
			}
		})
	}
}

func TestNothingOutsideTheTreeIsServed(t *testing.T) {
	s := serve(t, nil)
	outside := nettest.TempDir(t)
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(s.dir, "out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "secret"), filepath.Join(s.dir, "secret")); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(outside, "secret")
	for _, target := range []string{
		"/../" + secret, "/..%2f" + secret, "/%2e%2e/" + secret, "/%2e%2e%2f" + secret, "/.%2e/" + secret,
		"/..%5c" + secret, "/%252e%252e/" + secret, "/..;/" + secret, "/" + secret, "//" + secret,
		"/a/../../" + secret, "/out", "/out/", "/out/secret", "/secret", "/out%2fsecret", "/./out/../out/secret",
	} {
		resp, body := s.do(t, "GET", target, nil)
		if resp.StatusCode < 400 || strings.Contains(body, "secret") || strings.Contains(body, outside) {
			t.Errorf("%s: %s, %q", target, resp.Status, body)
		}
	}
	if _, page := s.do(t, "GET", "/", nil); strings.Contains(page, "secret") || strings.Contains(page, "out/") {
		t.Errorf("the listing shows a link that leads out:\n%s", page)
	}
}

// A client that shuts down its sending side still reads.
func TestAHalfClosedClientGetsItsFile(t *testing.T) {
	const size = 8 << 20
	s := serve(t, nil)
	s.pattern(t, "f", size)
	c := s.dial(t)
	_, _ = io.WriteString(c, "GET /f HTTP/1.1\r\nHost: test\r\n\r\n")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != size {
		t.Errorf("%d bytes, %v, want %d", n, err, size)
	}
}

// startDownload requests a file and reads only the header of the response. The file should
// be larger than the buffers between the two ends.
func (s *site) startDownload(t *testing.T, target string) (*net.TCPConn, *http.Response) {
	t.Helper()
	c := s.dial(t)
	_, _ = io.WriteString(c, "GET "+target+" HTTP/1.1\r\nHost: test\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReaderSize(c, 1024), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, resp
}

func TestAFileThatShrinksCutsTheConnection(t *testing.T) {
	const size = 64 << 20 // more than the buffers of a connection hold
	s := serve(t, nil)
	s.pattern(t, "f", size)
	_, resp := s.startDownload(t, "/f")
	if err := os.Truncate(filepath.Join(s.dir, "f"), 0); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) || n >= size {
		t.Errorf("the client got %d bytes and %v, want less than %d and an unexpected EOF", n, err, size)
	}
	var e *sendfile.Error
	if record := s.report(t); !errors.As(record.Err, &e) || e.Side != sendfile.File {
		t.Errorf("recorded %v, want an error of the file", record.Err)
	}
}

func TestAStalledClientIsCut(t *testing.T) {
	s := serve(t, func(srv *httpd.Server) { srv.StallTimeout = 50 * time.Millisecond })
	s.pattern(t, "f", 64<<20)
	_, _ = s.startDownload(t, "/f")
	var e *sendfile.Error
	if record := s.report(t); !errors.As(record.Err, &e) || !e.Timeout() || e.Side != sendfile.Peer {
		t.Errorf("recorded %v, want a timeout of the peer", record.Err)
	}
}

func TestShutdownLetsTransfersFinish(t *testing.T) {
	const size = 64 << 20
	limited := func(srv *httpd.Server) { handler(srv).Limiter = untilTheEnd{} }
	for name, change := range map[string]func(*httpd.Server){
		"on the fast path":             nil,
		"on the fast path, limited":    limited,
		"in that of net/http, limited": func(srv *httpd.Server) { limited(srv); srv.NoFastPath = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, change)
			s.pattern(t, "f", size)
			_, resp := s.startDownload(t, "/f")
			down := make(chan error, 1)
			go func() { down <- s.Shutdown(t.Context()) }()
			// The listener closes first, and then the transfer is still under way.
			for {
				c, err := net.Dial("tcp", s.addr)
				if err != nil {
					break
				}
				_ = c.Close()
			}
			if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != size {
				t.Errorf("%d bytes, %v, want %d", n, err, size)
			}
			if err := <-down; err != nil {
				t.Errorf("Shutdown = %v", err)
			}
		})
	}
}

// untilTheEnd is a Limiter that grants all after a moment, until its context ends.
type untilTheEnd struct{}

func (untilTheEnd) Wait(ctx context.Context, n int) (int, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(time.Millisecond):
		return n, nil
	}
}

func (untilTheEnd) Return(int) {}

func TestShutdownCutsTransfersThatTakeTooLong(t *testing.T) {
	s := serve(t, nil)
	s.pattern(t, "f", 64<<20)
	_, resp := s.startDownload(t, "/f")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown = %v, want %v", err, context.DeadlineExceeded)
	}
	if len(s.recorded) != 1 {
		t.Error("Shutdown returned before the request was reported")
	}
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("the client took a part for the whole")
	}
	if record := s.report(t); !errors.Is(record.Err, net.ErrClosed) {
		t.Errorf("recorded %v, want %v", record.Err, net.ErrClosed)
	}
}

func TestClientsThatGoAwayLeaveNothingBehind(t *testing.T) {
	nettest.CheckLeaks(t)
	s := serve(t, nil)
	s.pattern(t, "f", 64<<20)
	var clients sync.WaitGroup
	for i := range 40 {
		clients.Go(func() {
			c, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(c, "GET /f HTTP/1.1\r\nHost: test\r\n\r\n")
			_, _ = io.ReadFull(c, make([]byte, 1<<16))
			if i%2 == 0 {
				nettest.Reset(t, c.(*net.TCPConn))
			}
			_ = c.Close()
		})
	}
	clients.Wait()
	for range 40 {
		if record := s.report(t); record.Err == nil {
			t.Errorf("recorded %+v, want an error", record)
		}
	}
}

func TestTheHandlerWorksUnderAnotherServer(t *testing.T) {
	const size = 300_000
	s := serve(t, func(srv *httpd.Server) { handler(srv).OnTransfer = srv.OnTransfer })
	s.pattern(t, "f", size)
	for _, tt := range []struct {
		name  string
		start func(http.Handler) *httptest.Server
		want  sendfile.Method
	}{
		{"plain", httptest.NewServer, fastMethod}, {"TLS", httptest.NewTLSServer, sendfile.Copy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			other := tt.start(s.Handler)
			defer other.Close()
			req, err := http.NewRequest("GET", other.URL+"/f", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Range", "bytes=1000-")
			resp, err := other.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if g := <-nettest.Sum(t, resp.Body); g.Err != nil || g.SHA256 != nettest.PatternSum(1000, size-1000) {
				t.Errorf("%d other bytes, %v", g.N, g.Err)
			}
			if record := s.report(t); record.Sent != size-1000 || record.Method != tt.want {
				t.Errorf("recorded %+v, want %d bytes by %v", record, size-1000, tt.want)
			}
		})
	}
}

// firstWaits is a Limiter that makes the first response wait until it is opened.
type firstWaits struct {
	waiting, open chan struct{}
	taken         atomic.Bool
}

func (f *firstWaits) Wait(_ context.Context, n int) (int, error) {
	if !f.taken.Swap(true) {
		close(f.waiting)
		<-f.open
	}
	return n, nil
}

func (*firstWaits) Return(int) {}

// Clients that read their listings slowly, or not at all, keep only a bounded number
// of entries in memory. Small listings are always sent.
func TestListingsAreBounded(t *testing.T) {
	first := &firstWaits{waiting: make(chan struct{}), open: make(chan struct{})}
	s := serve(t, func(srv *httpd.Server) { handler(srv).Limiter = first })
	httpd.BoundListings(handler(s.Server), 5)
	for i := range 600 {
		s.write(t, fmt.Sprint(i), "")
	}
	s.write(t, "small/f", "")
	get := func(target string) int {
		resp, _ := s.do(t, "GET", target, nil)
		return resp.StatusCode
	}
	done := make(chan int)
	go func() { done <- get("/") }()
	<-first.waiting
	for target, want := range map[string]int{"/": 503, "/?limit=600": 503, "/?limit=1": 200, "/small/": 200, "/0": 200} {
		if got := get(target); got != want {
			t.Errorf("GET %s while another is sent = %d, want %d", target, got, want)
		}
	}
	close(first.open)
	if got := <-done; got != 200 {
		t.Errorf("a listing that is larger than the bound, alone = %d, want 200", got)
	}
	if got := get("/"); got != 200 {
		t.Errorf("GET / after it = %d, want 200", got)
	}
}

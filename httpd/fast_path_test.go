package httpd_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/httpd"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// cached makes a site keep its files open, as it does by default except on Windows.
func cached(srv *httpd.Server) {
	handler(srv).CacheValid = time.Second
}

// An answer is the part of a response that these tests compare.
type answer struct {
	status int
	body   string
	close  bool
}

// read reads the response to a request of the given method.
func read(t *testing.T, r *bufio.Reader, method string) answer {
	t.Helper()
	resp, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, string(body), resp.Close}
}

// wantEnd fails the test if anything but the end of the connection follows. A client that
// goes on writing gets a reset.
func wantEnd(t *testing.T, r io.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(r); len(rest) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("then %q, %v, want the end of the connection", rest, err)
	}
}

func TestDialogues(t *testing.T) {
	s := serve(t, cached)
	s.write(t, "a", "content of a")
	s.write(t, "b b", "content of b")
	testDialogues(t, s)
}

// testDialogues tests a site with the files "a" and "b b".
func testDialogues(t *testing.T, s *site) {
	const host = "Host: a\r\n"
	for _, tt := range []struct {
		name, in string
		methods  string // of the requests that are answered, by their first letters
		want     []answer
		ends     bool // the server closes
	}{
		{"one request", "GET /a HTTP/1.1\r\n" + host + "\r\n", "G", []answer{{200, "content of a", false}}, false},
		{"an escaped name", "GET /b%20b HTTP/1.1\r\n" + host + "\r\n", "G", []answer{{200, "content of b", false}}, false},
		{
			"pipelined requests are answered in order",
			"GET /a HTTP/1.1\r\n" + host + "\r\nHEAD /a HTTP/1.1\r\n" + host + "\r\nGET /none HTTP/1.1\r\n" + host + "\r\nGET /b%20b HTTP/1.1\r\n" + host + "\r\n", "GHGG",
			[]answer{{200, "content of a", false}, {200, "", false}, {404, "404 Not Found\n", false}, {200, "content of b", false}}, false,
		},
		{
			"a request that is not plain is answered in order",
			"GET /a HTTP/1.1\r\n" + host + "\r\nDELETE /a HTTP/1.1\r\n" + host + "\r\nGET /b%20b HTTP/1.1\r\n" + host + "\r\n", "GDG",
			[]answer{{200, "content of a", false}, {405, "405 Method Not Allowed\n", false}, {200, "content of b", false}}, false,
		},
		{"a request to close", "GET /a HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n", "G", []answer{{200, "content of a", true}}, true},
		{
			"requests after a request to close are not answered", "GET /a HTTP/1.1\r\n" + host + "Connection: close\r\n\r\nGET /a HTTP/1.1\r\n" + host + "\r\n", "G",
			[]answer{{200, "content of a", true}}, true,
		},
		{"HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n", "G", []answer{{200, "content of a", true}}, true},
		{"HTTP/1.0 that stays", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "G", []answer{{200, "content of a", false}}, false},
		{"an absolute target", "GET http://a/a HTTP/1.1\r\n" + host + "\r\n", "G", []answer{{200, "content of a", false}}, false},
		{"a body of a GET", "GET /a HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nxyzGET /b%20b HTTP/1.1\r\n" + host + "\r\n", "GG", []answer{{200, "content of a", false}, {200, "content of b", false}}, false},
		{"a chunked body ends the connection", "GET /a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /a HTTP/1.1\r\n" + host + "\r\n", "G", []answer{{200, "content of a", true}}, true},
		{
			"two ways to end a body", "GET /a HTTP/1.1\r\n" + host + "\r\nPOST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GP",
			[]answer{{200, "content of a", false}, {400, "400 Bad Request\n", true}}, true,
		},
		{"a folded line", "GET /a HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", "G", []answer{{200, "content of a", false}}, false},
		{"lines that end with LF alone", "GET /a HTTP/1.1\nHost: a\n\n", "G", []answer{{200, "content of a", false}}, false},
		{"two hosts", "GET /a HTTP/1.1\r\n" + host + host + "\r\n", "G", []answer{{400, "400 Bad Request", true}}, true},
		{"no host", "GET /a HTTP/1.1\r\n\r\n", "G", []answer{{400, "400 Bad Request: missing required Host header", true}}, true},
		{"no request at all", "\x16\x03\x01\x00\x05hello\r\n\r\n", "G", []answer{{400, "400 Bad Request", true}}, true},
		{"a header without end", "GET /a HTTP/1.1\r\n" + host + "X: " + strings.Repeat("x", 64<<10), "G", []answer{{431, "431 Request Header Fields Too Large", true}}, true},
		{"an unknown version", "GET /a HTTP/3.0\r\n" + host + "\r\n", "G", []answer{{505, "505 HTTP Version Not Supported: unsupported protocol version", true}}, true},
	} {
		for way, send := range map[string]func(c net.Conn){
			"at once": func(c net.Conn) { _, _ = io.WriteString(c, tt.in) },
			"byte by byte": func(c net.Conn) {
				for i := range min(len(tt.in), 2000) {
					if _, err := io.WriteString(c, tt.in[i:i+1]); err != nil {
						return // it was refused
					}
				}
				_, _ = io.WriteString(c, tt.in[min(len(tt.in), 2000):])
			},
		} {
			t.Run(tt.name+", "+way, func(t *testing.T) {
				if tt.in[0] == '\x16' && way == "byte by byte" {
					t.Skip("net/http answers and closes before all has come, which resets the connection")
				}
				c := s.dial(t)
				go send(c)
				r := bufio.NewReader(c)
				for i, want := range tt.want {
					method := map[byte]string{'G': "GET", 'H': "HEAD", 'P': "POST", 'D': "DELETE"}[tt.methods[i]]
					if got := read(t, r, method); got != want {
						t.Errorf("answer %d: got %+v, want %+v", i+1, got, want)
					}
				}
				if tt.ends {
					wantEnd(t, r)
					return
				}
				_, _ = io.WriteString(c, "GET /a HTTP/1.1\r\n"+host+"\r\n")
				if got, want := read(t, r, "GET"), (answer{200, "content of a", false}); got != want {
					t.Errorf("afterwards: got %+v, want %+v", got, want)
				}
			})
		}
	}
}

// The responses depend neither on the path nor on whether the file was requested
// before.
func TestBothPathsAnswerTheSame(t *testing.T) {
	fast, slow := serve(t, cached), serve(t, func(srv *httpd.Server) { srv.NoFastPath = true; cached(srv) })
	big := strings.Repeat("0123456789abcdef", 1<<16)
	// They share a tree, so that the tags are the same.
	handler(slow.Server).FS = handler(fast.Server).FS
	fast.write(t, "small.txt", "small")
	fast.write(t, "empty", "")
	fast.write(t, "big.bin", big)
	fast.write(t, "dir/index.html", "<p>index")
	fast.write(t, "list/a", "a")
	first, _ := fast.do(t, "HEAD", "/small.txt", nil)
	etag := first.Header.Get("Etag")
	fast.report(t)
	for _, tt := range []struct {
		method, target string
		header         http.Header
	}{
		{"GET", "/small.txt", nil},
		{"GET", "/small.txt?v=1", nil},
		{"HEAD", "/small.txt", nil},
		{"GET", "/empty", nil},
		{"GET", "/big.bin", nil},
		{"HEAD", "/big.bin", nil},
		{"GET", "/big.bin", http.Header{"Range": {"bytes=5-100000"}}},
		{"GET", "/big.bin", http.Header{"Range": {"bytes=9999999-"}}},
		{"GET", "/small.txt", http.Header{"If-None-Match": {etag}}},
		{"GET", "/small.txt", http.Header{"If-Match": {`"other"`}}},
		{"GET", "/small.txt", http.Header{"Accept-Encoding": {"gzip, br, zstd"}, "Accept": {"text/html"}}},
		{"GET", "/none", nil},
		{"GET", "/dir", nil},
		{"GET", "/dir/", nil},
		{"GET", "/list/", nil},
		{"HEAD", "/list/", nil},
		{"GET", "/list/", http.Header{"Accept": {"*/*"}}},
		{"GET", "/list/", http.Header{"Accept": {"text/html,*/*;q=0.8"}}},
		{"GET", "/list/?sort=size", http.Header{"Accept": {"application/json", "text/html"}}},
		{"GET", "/list/", http.Header{"Accept": {"application/json"}}},
		{"GET", "/small.txt/", nil},
		{"GET", "/%00", nil},
		{"GET", "/.hidden", nil},
	} {
		t.Run(fmt.Sprint(tt.method, tt.target, tt.header), func(t *testing.T) {
			want, wantBody := slow.do(t, tt.method, tt.target, tt.header)
			wanted := slow.report(t)
			for range 2 {
				got, gotBody := fast.do(t, tt.method, tt.target, tt.header)
				want.Header.Del("Date")
				if got.Header.Get("Date") == "" {
					t.Error("no Date")
				}
				got.Header.Del("Date")
				if got.StatusCode != want.StatusCode || gotBody != wantBody {
					t.Errorf("got %s with %d bytes, want %s with %d", got.Status, len(gotBody), want.Status, len(wantBody))
				}
				if diff := cmp.Diff(want.Header, got.Header); diff != "" {
					t.Errorf("header (-net/http +fast)\n%s", diff)
				}
				record := fast.report(t)
				for _, r := range []*httpd.Transfer{&record, &wanted} {
					r.Duration, r.Session, r.Remote, r.RTT, r.Retransmits = 0, 0, netip.AddrPort{}, 0, 0
				}
				if record != wanted {
					t.Errorf("recorded %+v, want %+v", record, wanted)
				}
			}
		})
	}
}

func TestTheMethodOfBothPaths(t *testing.T) {
	const size = 1 << 20
	for name, change := range map[string]func(*httpd.Server){
		"fast": cached, "net/http": func(srv *httpd.Server) { cached(srv); srv.NoFastPath = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, change)
			s.pattern(t, "f", size)
			s.pattern(t, "small", 1000)
			for range 2 { // the second is from the cache
				if _, body := s.do(t, "GET", "/f", nil); sha256.Sum256([]byte(body)) != nettest.PatternSum(0, size) {
					t.Errorf("%d other bytes", len(body))
				}
				if record := s.report(t); record.Method != fastMethod || record.Sent != size {
					t.Errorf("recorded %d bytes by %v, want %d by %v", record.Sent, record.Method, size, fastMethod)
				}
				s.do(t, "GET", "/small", nil)
				if record := s.report(t); record.Method != sendfile.Copy || record.Sent != 1000 {
					t.Errorf("recorded %d bytes by %v, want 1000 from memory", record.Sent, record.Method)
				}
			}
		})
	}
}

func TestTheHeaderTimeoutBoundsHalfARequest(t *testing.T) {
	s := serve(t, func(srv *httpd.Server) { srv.HeaderTimeout = 50 * time.Millisecond })
	c := s.dial(t)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\n")
	stop := make(chan struct{})
	defer close(stop)
	go func() { // each byte is progress, but the header never ends
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				_, _ = io.WriteString(c, "X")
			}
		}
	}()
	if rest, err := io.ReadAll(c); len(rest) > 0 {
		t.Errorf("got %q, %v, want the end of the connection", rest, err)
	}
}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	s := serve(t, func(srv *httpd.Server) { srv.IdleTimeout = 50 * time.Millisecond })
	s.write(t, "a", "a")
	fresh, used := s.dial(t), s.dial(t)
	_, _ = io.WriteString(used, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
	r := bufio.NewReader(used)
	read(t, r, "GET")
	wantEnd(t, r)
	wantEnd(t, fresh)
}

// The time for a header does not depend on that of the header before.
func TestEachHeaderHasItsTime(t *testing.T) {
	s := serve(t, func(srv *httpd.Server) { srv.HeaderTimeout = 300 * time.Millisecond })
	s.write(t, "a", "a")
	c := s.dial(t)
	r := bufio.NewReader(c)
	for range 3 {
		_, _ = io.WriteString(c, "GET /a HTTP/1.1\r\n")
		time.Sleep(120 * time.Millisecond)
		_, _ = io.WriteString(c, "Host: a\r\n\r\n")
		read(t, r, "GET")
	}
}

func TestConnectionsBeyondTheLimitGet503(t *testing.T) {
	for name, change := range map[string]func(*httpd.Server){
		"of the server":  func(srv *httpd.Server) { srv.MaxConns = 2 },
		"of one address": func(srv *httpd.Server) { srv.MaxConnsPerAddr = 2 },
		"in net/http":    func(srv *httpd.Server) { srv.MaxConns = 2; srv.NoFastPath = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, change)
			s.write(t, "a", "a")
			get := func(c net.Conn) answer {
				_, _ = io.WriteString(c, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
				return read(t, bufio.NewReader(c), "GET")
			}
			first, second := s.dial(t), s.dial(t)
			for _, c := range []net.Conn{first, second} {
				if got := get(c); got.status != 200 {
					t.Fatalf("got %+v, want room for two", got)
				}
			}
			if got, want := get(s.dial(t)), (answer{503, "503 Service Unavailable\n", true}); got != want {
				t.Errorf("the third: got %+v, want %+v", got, want)
			}
			_ = first.Close()
			for get(s.dial(t)).status == 503 { // until the server has noticed it
			}
		})
	}
}

func TestIdleConnectionsEndAtOnceWithAShutdown(t *testing.T) {
	s := serve(t, nil)
	s.write(t, "a", "a")
	var conns []*bufio.Reader
	for range 10 {
		c := s.dial(t)
		_, _ = io.WriteString(c, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
		r := bufio.NewReader(c)
		read(t, r, "GET")
		conns = append(conns, r)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown = %v", err)
	}
	for _, r := range conns {
		wantEnd(t, r)
	}
}

// The end of a connection is announced, and requests that came before it are answered.
func TestAShutdownAnswersRequestsThatHaveBegun(t *testing.T) {
	s := serve(t, nil)
	s.write(t, "a", "a")
	c := s.dial(t)
	_, _ = io.WriteString(c, "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /a HTTP/1.1\r\n")
	r := bufio.NewReader(c)
	read(t, r, "GET") // then the half of the next request has come as well
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(t.Context()) }()
	for { // the listener closes first
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			break
		}
		_ = c.Close()
	}
	_, _ = io.WriteString(c, "Host: a\r\n\r\n")
	if got, want := read(t, r, "GET"), (answer{200, "a", true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	wantEnd(t, r)
	if err := <-down; err != nil {
		t.Errorf("Shutdown = %v", err)
	}
}

func TestAbortedDownloadsLeaveNothingBehind(t *testing.T) {
	nettest.CheckLeaks(t)
	s := serve(t, func(srv *httpd.Server) { cached(srv); srv.OnTransfer = nil })
	s.pattern(t, "f", 8<<20)
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			for i := range 50 {
				c, err := net.Dial("tcp", s.addr)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(c, "GET /f HTTP/1.1\r\nHost: test\r\n\r\n")
				_, _ = io.ReadFull(c, make([]byte, i*1000))
				if i%2 == 0 {
					nettest.Reset(t, c.(*net.TCPConn))
				}
				_ = c.Close()
			}
		})
	}
	clients.Wait()
}

// While a file is replaced and truncated, each response is one of its contents, or
// breaks off.
func TestAFileThatChangesWhileItIsServed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("on Windows open files cannot be replaced")
	}
	s := serve(t, func(srv *httpd.Server) {
		handler(srv).CacheValid = time.Millisecond
		srv.OnTransfer = nil
	})
	contents := map[string]bool{}
	for _, n := range []int{10, 1000, 50_000, 300_000} {
		contents[strings.Repeat("x", n)] = true
	}
	all := slices.Collect(maps.Keys(contents))
	s.write(t, "f", all[0])
	stop := make(chan struct{})
	var writer, readers sync.WaitGroup
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			next := filepath.Join(s.dir, ".next")
			if err := os.WriteFile(next, []byte(all[i%len(all)]), 0o644); err != nil {
				t.Error(err)
			}
			if err := os.Rename(next, filepath.Join(s.dir, "f")); err != nil {
				t.Error(err)
			}
		}
	})
	for range 4 {
		readers.Go(func() {
			for range 100 {
				resp, err := http.Get(s.url + "/f")
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || !contents[string(body)] {
					t.Errorf("got %d bytes, %v, want one of the contents", len(body), err)
				}
			}
		})
	}
	readers.Wait()
	close(stop)
	writer.Wait()
	http.DefaultClient.CloseIdleConnections()
}

// In steady state a request allocates no memory.
func TestAPlainRequestAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget on purpose")
	}
	if fastMethod != sendfile.Sendfile {
		t.Skip("this is a promise of calls on descriptors")
	}
	s := serve(t, func(srv *httpd.Server) { cached(srv); srv.OnTransfer = nil })
	s.pattern(t, "small file", 1000)
	s.pattern(t, "large", 100_000)
	for _, tt := range []struct {
		name, target, fields string
		size                 int
	}{
		{"a small file", "/small%20file", "", 1000},
		{"a large file", "/large", "", 100_000},
		{"as a browser asks", "/small%20file", "User-Agent: test\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\nAccept-Language: en\r\n", 1000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := s.dial(t)
			request := []byte("GET " + tt.target + " HTTP/1.1\r\nHost: a\r\n" + tt.fields + "\r\n")
			buf := make([]byte, 200_000)
			round := func() {
				if _, err := c.Write(request); err != nil {
					t.Fatal(err)
				}
				for n, end := 0, 0; end == 0 || n < end; {
					m, err := c.Read(buf[n:])
					if err != nil {
						t.Fatal(err)
					}
					n += m
					if i := bytes.Index(buf[:n], []byte("\r\n\r\n")); i >= 0 {
						end = i + 4 + tt.size
					}
				}
			}
			for range 10 {
				round()
			}
			if got := testing.AllocsPerRun(200, round); got != 0 {
				t.Errorf("%v allocations a request, want none", got)
			}
		})
	}
}

func TestAUnixSocketUsesTheFastPath(t *testing.T) {
	const size = 1 << 20
	s := serve(t, nil)
	s.pattern(t, "f", size)
	path := filepath.Join(nettest.TempDir(t), "s")
	ln, err := net.Listen("unix", path)
	if nettest.OnWine() && err != nil {
		t.Skip("wine 8 has no unix sockets")
	}
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET /f HTTP/1.1\r\nHost: a\r\n\r\n")
	if got := read(t, bufio.NewReader(c), "GET"); got.status != 200 || len(got.body) != size {
		t.Errorf("got %d with %d bytes", got.status, len(got.body))
	}
	if record := s.report(t); record.Method != fastMethod {
		t.Errorf("recorded %v, want %v", record.Method, fastMethod)
	}
	_ = s.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve = %v, want %v", err, http.ErrServerClosed)
	}
}

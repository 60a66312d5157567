//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// exchange is a request, byte by byte, and the status of its answer.
type exchange struct {
	name    string
	request string
	status  int
}

func (e exchange) method() string { method, _, _ := strings.Cut(e.request, " "); return method }

// protocolFiles makes the files of protocolExchanges.
func (s *server) protocolFiles() {
	s.t.Helper()
	s.file("small", 1000)
	s.file("large", 10<<20)
	s.file("dir/a", 10)
	s.file("dir/b c", 20)
	old := time.Unix(1e9, 0)
	for _, name := range []string{"small", "large", "dir/a", "dir/b c", "dir"} {
		if err := os.Chtimes(s.path(name), old, old); err != nil {
			s.t.Fatal(err)
		}
	}
}

// fast builds a request without a body.
func fast(name, method, target string, status int, fields ...string) exchange {
	lines := append([]string{method + " " + target + " HTTP/1.1", "Host: x"}, fields...)
	return exchange{name, strings.Join(lines, "\r\n") + "\r\n\r\n", status}
}

// protocolExchanges returns one request of each kind that has no body.
func protocolExchanges() []exchange {
	return []exchange{
		fast("a small file", "GET", "/small", 200),
		fast("a large file", "GET", "/large", 200),
		fast("a range", "GET", "/large", 206, "Range: bytes=1234567-2345678"),
		fast("the end of a file", "GET", "/small", 206, "Range: bytes=-10"),
		fast("two ranges", "GET", "/large", 206, "Range: bytes=1-2,100000-200000"),
		fast("a range past the end", "GET", "/small", 416, "Range: bytes=5000-"),
		fast("a head", "HEAD", "/large", 200),
		fast("a missing file", "GET", "/missing", 404),
		fast("the head of a missing file", "HEAD", "/missing", 404),
		fast("a listing", "GET", "/dir/", 200),
		fast("a listing as JSON", "GET", "/dir/", 200, "Accept: application/json"),
		fast("a redirect", "GET", "/dir", 301),
		fast("an unchanged file", "GET", "/small", 304, "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT"),
		fast("a changed file", "GET", "/small", 412, "If-Unmodified-Since: Sun, 09 Sep 2001 01:46:39 GMT"),
		fast("a name with an escape", "GET", "/dir/b%20c", 200),
		fast("options", "OPTIONS", "/small", 204),
	}
}

// answer is the answer to a request, byte by byte, except for its date, the boundary
// between ranges, and the order of the fields: net/http, to which a connection may go for
// good, sorts them.
type answer struct {
	Status int
	Head   string
	Body   []byte
}

var boundary = regexp.MustCompile(`boundary=([0-9A-Za-z]+)`)

// readAnswer reads an answer to a request with this method. It uses nothing of package
// http, which accepts much and shows little.
func readAnswer(in *bufio.Reader, method string) (a answer, err error) {
	length, isChunked := int64(-1), false
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return a, fmt.Errorf("in the head after %q: %w", a.Head+line, err)
		}
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case a.Head == "":
			if _, err := fmt.Sscanf(line, "HTTP/1.1 %d ", &a.Status); err != nil {
				return a, fmt.Errorf("%q: %w", line, err)
			}
		case strings.EqualFold(key, "Date"):
			line = "Date: today\r\n"
		case strings.EqualFold(key, "Content-Length"):
			if _, err := fmt.Sscan(value, &length); err != nil {
				return a, err
			}
		case strings.EqualFold(key, "Transfer-Encoding"):
			isChunked = value == "chunked"
		}
		if line == "\r\n" {
			break
		}
		a.Head += line
	}
	fields := strings.SplitAfter(a.Head, "\n")
	slices.Sort(fields[1:])
	a.Head = strings.Join(fields, "")
	var body []byte
	switch {
	case method == "HEAD", a.Status == 304, a.Status == 204, a.Status < 200:
	case isChunked:
		body, err = readChunks(in)
	case length >= 0:
		body = make([]byte, length)
		_, err = io.ReadFull(in, body)
	default:
		body, err = io.ReadAll(in)
	}
	if m := boundary.FindStringSubmatch(a.Head); m != nil {
		a.Head = strings.ReplaceAll(a.Head, m[1], "BOUNDARY")
		body = bytes.ReplaceAll(body, []byte(m[1]), []byte("BOUNDARY"))
	}
	a.Body = body
	return a, err
}

func readChunks(in *bufio.Reader) (body []byte, err error) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return body, err
		}
		var size int
		if _, err := fmt.Sscanf(line, "%x\r\n", &size); err != nil {
			return body, fmt.Errorf("the length of a chunk, %q: %w", line, err)
		}
		chunk := make([]byte, size+2)
		if _, err := io.ReadFull(in, chunk); err != nil {
			return body, err
		}
		body = append(body, chunk[:size]...)
		if size == 0 {
			return body, nil
		}
	}
}

// compareAnswers checks an answer. It does not print large bodies.
func compareAnswers(t *testing.T, name string, got, want answer) {
	t.Helper()
	if diff := cmp.Diff(want.Head, got.Head); diff != "" {
		t.Errorf("%s: the head (-want +got):\n%s", name, diff)
	}
	if !bytes.Equal(got.Body, want.Body) {
		t.Errorf("%s: the body of %d bytes differs from that of %d", name, len(got.Body), len(want.Body))
	}
}

// alone returns the answer to a request on a connection of its own.
func (s *server) alone(e exchange) answer {
	s.t.Helper()
	c := request(s.t, s, e.request)
	defer c.conn.Close()
	a, err := readAnswer(c.in, e.method())
	if err != nil || a.Status != e.status {
		s.t.Errorf("%s: status %d, %v, want %d", e.name, a.Status, err, e.status)
	}
	return a
}

func (s *server) wantAnswers(in *bufio.Reader, all ...exchange) {
	s.t.Helper()
	for i, e := range all {
		got, err := readAnswer(in, e.method())
		if err != nil {
			s.t.Errorf("answer %d, %s: %v", i, e.name, err)
			return
		}
		compareAnswers(s.t, fmt.Sprintf("answer %d, %s", i, e.name), got, s.alone(e))
	}
}

// wantEnd checks that the server closes the connection, without a further byte.
func wantEnd(t *testing.T, in io.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
		t.Errorf("got %.100q, %v, want the end of the connection", rest, err)
	}
}

// withProtocolFiles runs a test with a server for each driver.
func withProtocolFiles(t *testing.T, flags []string, test func(t *testing.T, s *server)) {
	t.Helper()
	parallelDrivers(t, func(t *testing.T, d driver) {
		s := d.serve(t, t.TempDir(), flags...)
		s.protocolFiles()
		test(t, s)
	})
}

// A client that closes its side after the request gets the whole answer.
func TestAHalfClosedConnectionGetsItsAnswer(t *testing.T) {
	withProtocolFiles(t, nil, func(t *testing.T, s *server) {
		for _, e := range protocolExchanges() {
			s.alone(e)
			c := request(t, s, e.request)
			if err := c.conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			s.wantAnswers(c.in, e)
			wantEnd(t, c.in)
		}
		// All of them on one connection.
		all := protocolExchanges()
		c := request(t, s, join(all))
		if err := c.conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		s.wantAnswers(c.in, all...)
		wantEnd(t, c.in)
	})
}

// A listing, which takes a while the first time, goes on although the client has closed its
// side.
func TestAHalfClosedConnectionGetsItsListing(t *testing.T) {
	const directories, names = 200, 50
	parallelDrivers(t, func(t *testing.T, d driver) {
		s := d.serve(t, t.TempDir())
		for i := range directories {
			for j := range names {
				s.file(fmt.Sprintf("d%d/f%d", i, j), 0)
			}
		}
		failed := 0
		for i := range directories {
			c := request(t, s, get(fmt.Sprintf("d%d/", i)))
			if err := c.conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if a, err := readAnswer(c.in, http.MethodGet); err != nil || a.Status != http.StatusOK {
				if failed++; failed == 1 {
					t.Errorf("status %d, %v", a.Status, err)
				}
			}
			_ = c.conn.Close()
		}
		if failed > 0 {
			t.Errorf("%d of %d clients got no listing", failed, directories)
		}
	})
}

func join(all []exchange) (requests string) {
	for _, e := range all {
		requests += e.request
	}
	return requests
}

// Requests that a client sends without waiting are answered in order, with the same bytes
// as one by one.
func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	withProtocolFiles(t, nil, func(t *testing.T, s *server) {
		kinds := protocolExchanges()
		// The last ones may take the connection to net/http, so a client first sends the others.
		for _, kinds := range [][]exchange{kinds[:10], kinds} {
			var all []exchange
			for i := range 50 {
				all = append(all, kinds[(i*7)%len(kinds)])
			}
			c, err := newRequester(t, s.http.Host)
			if err != nil {
				t.Fatal(err)
			}
			defer c.conn.Close()
			go func() { // the server need not read on while its answers are not read
				_, _ = io.WriteString(c.conn, join(all))
			}()
			s.wantAnswers(c.in, all...)
		}
	})
}

// writePause is the time between two writes that the server should see apart.
const writePause = 300 * time.Microsecond

func TestARequestArrivesInSingleBytes(t *testing.T) {
	withProtocolFiles(t, nil, func(t *testing.T, s *server) {
		c, err := newRequester(t, s.http.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.conn.Close()
		for _, e := range protocolExchanges() {
			for i := range e.request {
				if _, err := io.WriteString(c.conn, e.request[i:i+1]); err != nil {
					t.Fatal(err)
				}
				time.Sleep(writePause)
			}
			s.wantAnswers(c.in, e)
		}
	})
}

// A request may end anywhere in what the server reads.
func TestARequestComesWithABeginningOfTheNext(t *testing.T) {
	withProtocolFiles(t, nil, func(t *testing.T, s *server) {
		c, err := newRequester(t, s.http.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.conn.Close()
		kinds := protocolExchanges()
		for i := range kinds[2].request {
			first, next := kinds[i%len(kinds)], kinds[2]
			if _, err := io.WriteString(c.conn, first.request+next.request[:i]); err != nil {
				t.Fatal(err)
			}
			s.wantAnswers(c.in, first)
			if _, err := io.WriteString(c.conn, next.request[i:]); err != nil {
				t.Fatal(err)
			}
			s.wantAnswers(c.in, next)
		}
	})
}

func TestHTTP10(t *testing.T) {
	withProtocolFiles(t, nil, func(t *testing.T, s *server) {
		for _, tt := range []struct {
			name, request string
			status        int
			stays         bool
		}{
			{"closes", "GET /small HTTP/1.0\r\n\r\n", 200, false},
			{"closes after a large file", "GET /large HTTP/1.0\r\nHost: x\r\n\r\n", 200, false},
			{"closes after a listing", "GET /dir/ HTTP/1.0\r\n\r\n", 200, false},
			{"closes after 404", "GET /missing HTTP/1.0\r\n\r\n", 404, false},
			{"stays for keep-alive", "GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, true},
			{"stays for keep-alive after a large file", "GET /large HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 200, true},
		} {
			t.Run(tt.name, func(t *testing.T) {
				c := request(t, s, tt.request)
				resp, err := http.ReadResponse(c.in, nil)
				if err != nil || resp.StatusCode != tt.status {
					t.Fatal(resp, err)
				}
				if n, err := io.Copy(io.Discard, resp.Body); err != nil || resp.ContentLength >= 0 && n != resp.ContentLength {
					t.Errorf("%d bytes, %v", n, err)
				}
				if !tt.stays {
					wantEnd(t, c.in)
					return
				}
				if err := c.get("small", 1000); err != nil {
					t.Errorf("the next request: %v", err)
				}
			})
		}
	})
}

// Requests that the fast path does not take go to net/http, with what was read of them,
// after fast answers on the same connection, and fast requests behind them are answered.
func TestOtherRequestsFollowFastOnes(t *testing.T) {
	auth := "Authorization: Basic " + basic(user, password)
	body := strings.Repeat("0123456789", 30_000)
	chunked := fmt.Sprintf("%x\r\n%s\r\n5\r\nabcde\r\n0\r\n\r\n", len(body), body)
	others := []exchange{
		{"POST", "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 401},
		{"POST in chunks", "POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 401},
		{"GET with a body", "GET /small HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 200},
		{"PUT", "PUT /new HTTP/1.1\r\nHost: x\r\n" + auth + "\r\nContent-Length: " + fmt.Sprint(len(body)) + "\r\n\r\n" + body, 204},
		{"PUT in chunks", "PUT /new HTTP/1.1\r\nHost: x\r\n" + auth + "\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked, 204},
		{"an offer of HTTP/2", "GET /small HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n", 200},
		{"an offer of websocket", "GET /small HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 200},
		{"a login", "GET /small HTTP/1.1\r\nHost: x\r\n" + auth + "\r\n\r\n", 200},
		{"a method of WebDAV", "PROPFIND /dir/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405},
	}
	withProtocolFiles(t, []string{"--user", login, "--write"}, func(t *testing.T, s *server) {
		if err := os.WriteFile(s.path("new"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		small, large := protocolExchanges()[0], protocolExchanges()[1]
		for _, e := range others {
			for _, before := range [][]exchange{nil, {small}, {small, large, small}} {
				all := append(append(before[:len(before):len(before)], e), small, large)
				t.Run(fmt.Sprintf("%s after %d", e.name, len(before)), func(t *testing.T) {
					c := request(t, s, join(all))
					for _, each := range all {
						a, err := readAnswer(c.in, each.method())
						if err != nil || a.Status != each.status {
							t.Fatalf("%s: status %d, %v, want %d\n%.300s", each.name, a.Status, err, each.status, a.Head)
						}
						if strings.Contains(a.Head, "Connection: close\r\n") {
							return // such as a refusal that does not wait for the body
						}
						if each == small && len(a.Body) != 1000 || each == large && len(a.Body) != 10<<20 {
							t.Errorf("%s: %d bytes", each.name, len(a.Body))
						}
					}
				})
			}
		}
		want := body + "abcde"
		c := request(t, s, small.request+others[4].request)
		s.wantAnswers(c.in, small)
		if a, err := readAnswer(c.in, "PUT"); err != nil || a.Status != 204 {
			t.Errorf("PUT: %d, %v", a.Status, err)
		}
		if got, err := os.ReadFile(s.path("new")); err != nil || string(got) != want {
			t.Errorf("the upload has %d bytes, %v, want %d", len(got), err, len(want))
		}
	})
}

// The preface of HTTP/2 is no request of HTTP/1.1, and the server speaks HTTP/2 only
// behind TLS. It ends the connection after the answers to earlier requests.
func TestHTTP2WithoutTLSIsRefused(t *testing.T) {
	withProtocolFiles(t, nil, func(t *testing.T, s *server) {
		for _, before := range [][]exchange{nil, protocolExchanges()[:2]} {
			c := request(t, s, join(before)+"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
			s.wantAnswers(c.in, before...)
			a, err := readAnswer(c.in, "PRI")
			if err != nil || !slices.Contains([]int{400, 501, 505}, a.Status) {
				t.Errorf("%d, %v, want 400, 501 or 505", a.Status, err)
			}
			wantEnd(t, c.in)
		}
	})
}

func basic(user, password string) string {
	r, _ := http.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth(user, password)
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Basic ")
}

// A header of the PROXY protocol and the request behind it may be split anywhere.
func TestAHeaderOfTheProxyProtocolIsSplitAnywhere(t *testing.T) {
	v2 := append([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11"), binary.BigEndian.AppendUint16(nil, 12)...)
	v2 = append(v2, 192, 0, 2, 7, 192, 0, 2, 1, 0x16, 0x2e, 0, 80) // port 5678 to 80
	headers := map[string]string{
		"version 1": "PROXY TCP4 192.0.2.7 192.0.2.1 5678 80\r\n",
		"version 2": string(v2),
	}
	parallelDrivers(t, func(t *testing.T, d driver) {
		s := d.serveUnder(t, nil, t.TempDir(), "--proxy-from", "127.0.0.0/8")
		s.protocolFiles()
		small, part := protocolExchanges()[0], protocolExchanges()[2]
		for name, header := range headers {
			for _, e := range []exchange{small, part} {
				whole := header + e.request
				n := 0
				for i := 1; i <= len(whole); i += 1 + len(e.request)/60 {
					c := request(t, s, whole[:i])
					time.Sleep(writePause)
					if _, err := io.WriteString(c.conn, whole[i:]); err != nil {
						t.Fatal(err)
					}
					a, err := readAnswer(c.in, e.method())
					if err != nil || a.Status != e.status {
						t.Errorf("%s, %s, split at %d: %d, %v", name, e.name, i, a.Status, err)
					}
					_ = c.conn.Close()
					n++
				}
				s.wantLoggedTimes(n, "msg=http", "remote=192.0.2.7:5678", fmt.Sprintf("status=%d", e.status))
			}
		}
	})
}

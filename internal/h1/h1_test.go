package h1_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/h1"
)

func TestDetachedHeadsStayWhenTheBufferIsReused(t *testing.T) {
	const in = "GET /%41?b HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\nAccept:\r\nX-Forwarded-For: 1.2.3.4\r\nReferer: /x\r\n\r\nnext"
	var want, got h1.Head
	h1.Parse(in, &want)
	buf := []byte(in)
	n, v := h1.Parse(unsafe.String(&buf[0], len(buf)), &got)
	if v != h1.Simple {
		t.Fatal(v)
	}
	kept := got.Detach(unsafe.String(&buf[0], n))
	clear(buf)
	if diff := cmp.Diff(want, got); diff != "" || kept != in[:n] {
		t.Errorf("the copy is %q; (-want +got):\n%s", kept, diff)
	}
}

func TestVerdicts(t *testing.T) {
	const (
		first = "GET / HTTP/1.1\r\n"
		host  = "Host: a\r\n"
	)
	long := func(n int) string {
		return first + host + "X: " + strings.Repeat("x", n-len(first+host+"X: \r\n\r\n")) + "\r\n\r\n"
	}
	for _, tt := range []struct {
		name, in string
		want     h1.Verdict
	}{
		{"a request", first + host + "\r\n", h1.Simple},
		{"of HEAD", "HEAD /a HTTP/1.1\r\n" + host + "\r\n", h1.Simple},
		{"of HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n", h1.Simple},
		{"all marks that a path may have", "GET /-._~!$&'()*+,;=:@/%20?/?%zz HTTP/1.1\r\n" + host + "\r\n", h1.Simple},
		{"a port", first + "Host: [::1]:8080\r\n\r\n", h1.Simple},
		{"a tabulator in a value", first + host + "X:\ta\tb\t\r\n\r\n", h1.Simple},
		{"a value that is not ASCII", first + host + "User-Agent: \xff\x80 caf\u00e9\r\n\r\n", h1.Simple},
		{"an empty value", first + host + "X:\r\n\r\n", h1.Simple},
		{"a body of no length", first + host + "Content-Length: 0\r\n\r\n", h1.Simple},
		{"the longest", long(h1.MaxSize), h1.Simple},

		{"nothing", "", h1.Incomplete},
		{"a beginning", "G", h1.Incomplete},
		{"no end of the first line", "GET / HTTP/1.1\r", h1.Incomplete},
		{"an escape cut in two", "GET /%4", h1.Incomplete},
		{"no end of a field", first + "Host: a\r", h1.Incomplete},
		{"no empty line", first + host, h1.Incomplete},
		{"half of the empty line", first + host + "\r", h1.Incomplete},
		{"another method, not yet whole", "POST / HTTP/1.1\r\nContent-Length: 5\r\n", h1.Incomplete},

		{"too long", long(h1.MaxSize + 1), h1.Other},
		{"endless", first + "X: " + strings.Repeat("x", h1.MaxSize), h1.Other},
		{"an empty line first", "\r\n" + first + host + "\r\n", h1.Simple},
		{"only an empty line", "\r\n", h1.Incomplete},
		{"half an empty line", "\r", h1.Incomplete},
		{"CR that is no line", "\r" + first + host + "\r\n", h1.Other},
		{"an empty line, ended by LF alone", "\n" + first + host + "\r\n", h1.Other},
		{"another method", "POST / HTTP/1.1\r\n" + host + "\r\n", h1.Other},
		{"a method in lower case", "get / HTTP/1.1\r\n" + host + "\r\n", h1.Other},
		{"no method", " / HTTP/1.1\r\n" + host + "\r\n", h1.Other},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", h1.Other},
		{"HTTP/1.2", "GET / HTTP/1.2\r\n" + host + "\r\n", h1.Other},
		{"HTTP/0.9", "GET /\r\n", h1.Other},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", h1.Other},
		{"two blanks before the target", "GET  / HTTP/1.1\r\n" + host + "\r\n", h1.Other},
		{"two blanks behind the target", "GET /  HTTP/1.1\r\n" + host + "\r\n", h1.Other},
		{"a tabulator in the first line", "GET\t/ HTTP/1.1\r\n" + host + "\r\n", h1.Other},
		{"an absolute target", "GET http://a/ HTTP/1.1\r\n" + host + "\r\n", h1.Other},
		{"a star for a target", "GET * HTTP/1.1\r\n" + host + "\r\n", h1.Other},
		{"a fragment", "GET /#a HTTP/1.1\r\n" + host + "\r\n", h1.Other},
		{"a bad escape", "GET /%zz HTTP/1.1\r\n" + host + "\r\n", h1.Other},
		{"half an escape", "GET /%4 HTTP/1.1\r\n" + host + "\r\n", h1.Other},
		{"no escape", "GET /% HTTP/1.1\r\n" + host + "\r\n", h1.Other},
		{"a backslash in the target", "GET /a\\b HTTP/1.1\r\n" + host + "\r\n", h1.Other},
		{"a NUL in the target", "GET /\x00 HTTP/1.1\r\n" + host + "\r\n", h1.Other},
		{"a letter that is not ASCII in the target", "GET /\u00e9 HTTP/1.1\r\n" + host + "\r\n", h1.Other},
		{"LF alone behind the first line", "GET / HTTP/1.1\n" + host + "\r\n", h1.Other},
		{"LF alone behind a field", first + "Host: a\n\r\n", h1.Other},
		{"LF alone at the end", first + host + "\n", h1.Other},
		{"CR in a value", first + host + "X: a\rb\r\n\r\n", h1.Other},
		{"CR alone at the end", first + host + "\rx", h1.Other},
		{"NUL in a value", first + host + "X: a\x00b\r\n\r\n", h1.Other},
		{"DEL in a value", first + host + "X: abcdefgh\x7fb\r\n\r\n", h1.Other},
		{"a folded line", first + host + "X: a\r\n b\r\n\r\n", h1.Other},
		{"a blank before the colon", first + "Host : a\r\n\r\n", h1.Other},
		{"a blank before the first name", first + " Host: a\r\n\r\n", h1.Other},
		{"no colon", first + "Host\r\n\r\n", h1.Other},
		{"no name", first + ": a\r\n\r\n", h1.Other},
		{"a name that is not ASCII", first + host + "X\u00e9: a\r\n\r\n", h1.Other},
		{"no host", first + "\r\n", h1.Other},
		{"an empty host", first + "Host:\r\n\r\n", h1.Other},
		{"two hosts", first + host + host + "\r\n", h1.Other},
		{"a host with a path", first + "Host: a/b\r\n\r\n", h1.Other},
		{"two hosts in one", first + "Host: a, b\r\n\r\n", h1.Other},
		{"two ranges", first + host + "Range: bytes=0-1\r\nrange: bytes=2-3\r\n\r\n", h1.Other},
		{"Expect", first + host + "Expect: 100-continue\r\n\r\n", h1.Other},
		{"Upgrade", first + host + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", h1.Other},
		{"Upgrade without saying so", first + host + "Upgrade: h2c\r\n\r\n", h1.Other},
		{"a trailer", first + host + "Trailer: X\r\n\r\n", h1.Other},
		{"several options of the connection", first + host + "Connection: close, te\r\n\r\n", h1.Other},
		{"two fields of the connection", first + host + "Connection: close\r\nConnection: keep-alive\r\n\r\n", h1.Other},
		{"a body", first + host + "Content-Length: 5\r\n\r\nhello", h1.Other},
		{"a length written oddly", first + host + "Content-Length: +0\r\n\r\n", h1.Other},
		{"two lengths", first + host + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", h1.Other},
		{"a chunked body", first + host + "Transfer-Encoding: chunked\r\n\r\n", h1.Other},

		{"two ways to end a body", first + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", h1.Conflict},
		{"and in another order and method", "POST / HTTP/1.1\r\n" + host + "tRANSFER-eNCODING: x\r\nExpect: 1\r\ncontent-length: 0\r\n\r\n", h1.Conflict},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var h h1.Head
			n, got := h1.Parse(tt.in, &h)
			if got != tt.want {
				t.Errorf("got verdict %d, want %d", got, tt.want)
			}
			want := 0
			if got == h1.Simple || got == h1.Conflict {
				want = strings.Index(tt.in, "\r\n\r\n") + 4
			}
			if n != want {
				t.Errorf("got length %d, want %d", n, want)
			}
		})
	}
}

func TestParseFillsTheHead(t *testing.T) {
	in := "HEAD /a%20b/c?d=e?f HTTP/1.1\r\nhost: example.com:80\r\nAccept:  text/html \t\r\nACCEPT-ENCODING: gzip, br\r\n" +
		"If-Match: \"a\"\r\nIf-None-Match: \"b\"\r\nIf-Modified-Since: Mon\r\nIf-Unmodified-Since: Tue\r\nIf-Range: \"c\"\r\n" +
		"Range: bytes=0-\r\nWant-Repr-Digest: sha-256=1\r\nOrigin: http://x\r\nConnection: Close\r\nReferer: http://y/\r\nUser-Agent: test\r\n" +
		"authoRization:\r\nForwarded: for=192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\ncookie: a=b\r\n\r\nGET"
	var h h1.Head
	n, v := h1.Parse(in, &h)
	if v != h1.Simple || in[n:] != "GET" {
		t.Fatalf("got verdict %d at %d", v, n)
	}
	want := h1.Head{
		Head: true, Minor: 1, Close: true, Target: "/a%20b/c?d=e?f", Path: "/a%20b/c", Query: "d=e?f",
		HasAuthorization: true,
		Host:             "example.com:80", Accept: "text/html", AcceptEncoding: "gzip, br",
		IfMatch: `"a"`, IfNoneMatch: `"b"`, IfModifiedSince: "Mon", IfUnmodifiedSince: "Tue",
		IfRange: `"c"`, Range: "bytes=0-", WantReprDigest: "sha-256=1", Origin: "http://x",
		Referer: "http://y/", UserAgent: "test", Forwarded: "for=192.0.2.1", ForwardedFor: "192.0.2.2", Cookie: "a=b",
	}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := string(h1.AppendPath([]byte("path: "), h.Path)); got != "path: /a b/c" {
		t.Errorf("got %q", got)
	}
}

func TestWhenTheConnectionEnds(t *testing.T) {
	for _, tt := range []struct {
		name, version, connection string
		want                      bool
	}{
		{"HTTP/1.1 stays", "1.1", "", false},
		{"except with close", "1.1", "Connection: close\r\n", true},
		{"keep-alive changes nothing", "1.1", "Connection: keep-alive\r\n", false},
		{"HTTP/1.0 ends", "1.0", "", true},
		{"except with keep-alive", "1.0", "connection: Keep-Alive\r\n", false},
		{"close changes nothing", "1.0", "Connection: CLOSE\r\n", true},
	} {
		var h h1.Head
		if _, v := h1.Parse("GET / HTTP/"+tt.version+"\r\nHost: a\r\n"+tt.connection+"\r\n", &h); v != h1.Simple || h.Close != tt.want {
			t.Errorf("%s: verdict %d, close %v, want %v", tt.name, v, h.Close, tt.want)
		}
	}
}

// Each part of a Simple head is Incomplete, so the pieces in which it comes do not
// matter.
func TestEachPrefixIsIncomplete(t *testing.T) {
	in := "GET /a%20b?c HTTP/1.1\r\nHost: a\r\nRange: bytes=0-\r\nX:\t y \r\n\r\n"
	for n := range in {
		var h h1.Head
		if got, v := h1.Parse(in[:n], &h); v != h1.Incomplete || got != 0 {
			t.Errorf("after %q: verdict %d at %d", in[:n], v, got)
		}
	}
}

func TestParsingAllocatesNothing(t *testing.T) {
	var h h1.Head
	if n := testing.AllocsPerRun(100, func() { h1.Parse(browser, &h) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// A head that is Simple means the same to net/http.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		browser, wrk, "\r\n\r\n" + wrk,
		"HEAD //a/../%2e%2F;b?c?d HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nIf-Range:\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YTpi\r\nProxy-Authorization: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nAccept: \xff\r\nOrigin: \t a b \t\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\nRange: b\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var h h1.Head
		n, v := h1.Parse(in, &h)
		if n < 0 || n > min(len(in), h1.MaxSize) || (n > 0) != (v == h1.Simple || v == h1.Conflict) {
			t.Fatalf("verdict %d with length %d of %d", v, n, len(in))
		}
		if v != h1.Simple {
			return
		}
		for strings.HasPrefix(in, "\r\n") { // net/http does not know RFC 9112, 2.2
			in, n = in[2:], n-2
		}
		src := strings.NewReader(in)
		br := bufio.NewReaderSize(src, 2*h1.MaxSize)
		r, err := http.ReadRequest(br)
		if err != nil {
			t.Fatalf("net/http: %v", err)
		}
		if body, err := io.ReadAll(r.Body); len(body) > 0 || err != nil || len(r.TransferEncoding) > 0 || r.ContentLength != 0 {
			t.Errorf("net/http sees a body: %q, %v", body, err)
		}
		if rest := br.Buffered() + src.Len(); rest != len(in)-n {
			t.Errorf("got length %d, net/http has %d", n, len(in)-rest)
		}
		compare := func(what, got, want string) {
			if got != want {
				t.Errorf("%s is %q, for net/http %q", what, got, want)
			}
		}
		compare("method", map[bool]string{true: "HEAD", false: "GET"}[h.Head], r.Method)
		compare("target", h.Target, r.RequestURI)
		compare("path", string(h1.AppendPath(nil, h.Path)), r.URL.Path)
		compare("query", h.Query, r.URL.RawQuery)
		compare("host", h.Host, r.Host)
		if r.URL.Host != "" || r.ProtoMajor != 1 || r.ProtoMinor != int(h.Minor) || r.Close != h.Close {
			t.Errorf("got version 1.%d and close %v, net/http has host %q, %s, %v", h.Minor, h.Close, r.URL.Host, r.Proto, r.Close)
		}
		if _, has := r.Header["Authorization"]; has != h.HasAuthorization {
			t.Errorf("HasAuthorization is %v, for net/http %v", h.HasAuthorization, has)
		}
		for name, got := range map[string]string{
			"Accept": h.Accept, "Accept-Encoding": h.AcceptEncoding, "If-Match": h.IfMatch, "If-None-Match": h.IfNoneMatch,
			"If-Modified-Since": h.IfModifiedSince, "If-Unmodified-Since": h.IfUnmodifiedSince, "If-Range": h.IfRange,
			"Range": h.Range, "Want-Repr-Digest": h.WantReprDigest, "Origin": h.Origin, "Cookie": h.Cookie,
		} {
			if want := r.Header[name]; len(want) > 1 {
				t.Errorf("%s is %q, for net/http %q", name, got, want)
			}
			compare(name, got, r.Header.Get(name))
		}
	})
}

const (
	wrk     = "GET /1k HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"
	browser = "GET /docs/index.html HTTP/1.1\r\nHost: example.com\r\nConnection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
		"Referer: http://example.com/docs/\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en-GB,en;q=0.9\r\n\r\n"
)

func BenchmarkParse(b *testing.B) {
	for name, in := range map[string]string{"wrk": wrk, "browser": browser} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			var h h1.Head
			for b.Loop() {
				if _, v := h1.Parse(in, &h); v != h1.Simple {
					b.Fatal(v)
				}
			}
		})
	}
}

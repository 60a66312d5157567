package httpd_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// serveMany serves a directory with n files, and as many hidden ones.
func serveMany(t *testing.T, n int) (*site, *nettest.ManyFiles) {
	t.Helper()
	many := nettest.NewManyFiles(n)
	return serve(t, func(srv *httpd.Server) {
		handler(srv).FS, handler(srv).WebDAV, handler(srv).CompressListings = many, true, true
	}), many
}

// heap returns how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestClientsThatStallInListingsOfAMillionFilesTakeLittleMemory(t *testing.T) {
	nettest.CheckLeaks(t)
	s, _ := serveMany(t, 1_000_000)
	before := heap()
	requests := []string{
		"GET /many/ HTTP/1.1\r\nAccept: text/html\r\n",
		"GET /many/?sort=time HTTP/1.1\r\n",
		"GET /many/?search=file HTTP/1.1\r\nAccept: application/json\r\n",
		"PROPFIND /many/ HTTP/1.1\r\nDepth: 1\r\n",
	}
	clients := 50
	if raceEnabled {
		clients = 8
	}
	for i := range clients {
		c := s.dial(t)
		_ = c.SetReadBuffer(4 << 10) // so that it stalls soon
		_, _ = io.WriteString(c, requests[i%len(requests)]+"Host: x\r\n\r\n")
		if line, err := bufio.NewReaderSize(c, 16).ReadSlice(' '); err != nil {
			t.Fatalf("request %d: %q, %v", i, line, err)
		}
	}
	const limit = 60 << 20 // the entries would be many gigabytes
	if used := heap() - before; used > limit {
		t.Errorf("50 listings take %d bytes, want %d at most", used, limit)
	}
	if resp, _ := s.do(t, "GET", "/few/", nil); resp.StatusCode != http.StatusOK {
		t.Errorf("another listing meanwhile is %d", resp.StatusCode)
	}
	if resp, body := s.do(t, "GET", "/many/?limit=1", nil); resp.StatusCode != http.StatusOK || strings.Count(body, "file-") != 2 {
		t.Errorf("another large one meanwhile is %d with %s", resp.StatusCode, body)
	}
}

func TestAListingOfManyFilesHasEachOnce(t *testing.T) {
	nettest.CheckLeaks(t)
	for _, n := range []int{1000, 1001, 10_000, 10_001, 30_000} {
		if raceEnabled && n > 1001 {
			continue
		}
		s, many := serveMany(t, n)
		for _, tt := range []struct {
			method, accept, coding, before string // what is before a name
			sorted                         int
		}{
			{"GET", "text/html", "", `href="`, 10_000}, {"GET", "", "", `href="`, 10_000}, {"GET", "application/json", "", `"url":"./`, 10_000},
			{"GET", "application/json", "gzip", `"url":"./`, 10_000}, {"PROPFIND", "", "", "<D:href>/many/", 1000},
		} {
			t.Run(fmt.Sprint(n, " files by ", tt.method, " as ", tt.accept, tt.coding), func(t *testing.T) {
				header := http.Header{"Depth": {"1"}}
				if tt.accept != "" {
					header.Set("Accept", tt.accept)
				}
				if tt.coding != "" {
					header.Set("Accept-Encoding", tt.coding)
				}
				before := many.Made()
				resp, body := s.do(t, tt.method, "/many/", header)
				if made := many.Made() - before; made != int64(2*n) {
					t.Errorf("%d entries were read of a directory of %d", made, 2*n)
				}
				if resp.Header.Get("Content-Encoding") == "gzip" {
					r, err := gzip.NewReader(strings.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					plain, err := io.ReadAll(r)
					if err != nil {
						t.Fatal(err)
					}
					body = string(plain)
				}
				var got []string
				for part := range strings.SplitSeq(body, tt.before) {
					if strings.HasPrefix(part, "file-") {
						got = append(got, part[:len(nettest.ManyFile(0))])
					}
				}
				if isSorted := slices.IsSorted(got); isSorted != (n <= tt.sorted) {
					t.Errorf("sorted is %v with %d files", isSorted, n)
				}
				slices.Sort(got)
				if len(slices.Compact(slices.Clone(got))) != n || len(got) != n || strings.Contains(body, ".hidden") {
					t.Errorf("got %d files, or hidden ones, want %d; %d", len(got), n, resp.StatusCode)
				}
				if tt.method != "GET" {
					return
				}
				if hasTag := resp.Header.Get("Etag") != ""; hasTag != (n <= tt.sorted) {
					t.Errorf("has an entity tag: %v", hasTag)
				}
				if tt.accept == "text/html" && strings.Contains(body, "too many entries") != (n > tt.sorted) {
					t.Error("the page does not say why it is not sorted, or it says so for no reason")
				}
				if tt.accept == "text/html" && strings.Contains(body, `name="sort"`) != (n <= tt.sorted) {
					t.Error("the page has buttons to sort it, or lacks them for no reason")
				}
				if tt.accept == "application/json" && !json.Valid([]byte(body)) {
					t.Error("invalid JSON")
				}
			})
		}
		for query, want := range map[string]int{
			"?limit=10": 10, "?offset=5&limit=10": 10, fmt.Sprint("?offset=", n-3): 3, "?search=FILE": n, "?search=0000007": 1, "?search=none": 0,
			fmt.Sprint("?limit=", n): n, "?limit=4600": min(n, 4600),
		} {
			resp, body := s.do(t, "GET", "/many/"+query, http.Header{"Accept": {"text/html"}})
			if got := strings.Count(body, "<tr><td>") - 1; got != want {
				t.Errorf("%s of %d: %d with %d entries, want %d", query, n, resp.StatusCode, got, want)
			}
			if hasNext := strings.Contains(body, ">next<"); hasNext != (strings.HasSuffix(query, "=10") || strings.HasSuffix(query, "=4600") && n > 4600) {
				t.Errorf("%s of %d: leads to further entries: %v", query, n, hasNext)
			}
		}
		resp, body := s.do(t, "GET", "/many/?order=desc&offset=1&limit=2", http.Header{"Accept": {"text/html"}})
		first, second := strings.Index(body, nettest.ManyFile(n-1)), strings.Index(body, nettest.ManyFile(n-2))
		if first < 0 || second < first || !strings.Contains(body, fmt.Sprint(" of ", n)) || resp.Header.Get("Etag") == "" {
			t.Errorf("the last but one of %d, and the one before, sorted: %v, %s", n, resp.Header, body)
		}
	}
}

func TestHeadOfALargeListing(t *testing.T) {
	nettest.CheckLeaks(t)
	s, _ := serveMany(t, 20_000)
	for _, header := range []http.Header{nil, {"If-None-Match": {`W/"x"`}}, {"If-Match": {`"x"`}}} {
		for _, method := range []string{"HEAD", "GET"} {
			resp, body := s.do(t, method, "/many/", header)
			want := http.StatusOK
			if header.Get("If-Match") != "" {
				want = http.StatusPreconditionFailed
			}
			if resp.StatusCode != want || (body == "") != (method == "HEAD") {
				t.Errorf("%s with %v: %d with %d bytes, want %d", method, header, resp.StatusCode, len(body), want)
			}
		}
	}
}

func TestAListingThatFailsInTheMiddleIsCut(t *testing.T) {
	nettest.CheckLeaks(t)
	many := nettest.NewManyFiles(100_000)
	many.Broken, many.BrokenAfter = errDisk, 60_000
	s := serve(t, func(srv *httpd.Server) {
		handler(srv).FS, handler(srv).WebDAV = many, true
	})
	for _, method := range []string{"GET", "PROPFIND"} {
		req, err := http.NewRequest(method, s.url+"/many/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Depth", "1")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if n == 0 || err == nil {
			t.Errorf("%s: got %d bytes, %v, want an error after some", method, n, err)
		}
		if r := s.report(t); !errors.Is(r.Err, errDisk) {
			t.Errorf("%s: reported %v, want %v", method, r.Err, errDisk)
		}
	}
}

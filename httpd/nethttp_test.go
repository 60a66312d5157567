package httpd_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// Every pair of a condition and a range is sent to net/http and to both paths, whose
// responses must be equal.
func TestAnswersAgreeWithNetHTTP(t *testing.T) {
	const size = 4000
	content := make([]byte, size)
	nettest.PatternAt(content, 0)
	fast := serve(t, func(srv *httpd.Server) { cached(srv); srv.OnTransfer = nil })
	slow := serve(t, func(srv *httpd.Server) { cached(srv); srv.OnTransfer = nil; srv.NoFastPath = true })
	handler(slow.Server).FS = handler(fast.Server).FS
	fast.write(t, "f.bin", string(content))
	modified := time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(fast.dir, "f.bin"), modified, modified); err != nil {
		t.Fatal(err)
	}
	first, _ := fast.do(t, "HEAD", "/f.bin", nil)
	etag := first.Header.Get("Etag")
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", etag)
		http.ServeContent(w, r, "f.bin", modified, bytes.NewReader(content))
	}))
	defer other.Close()

	date := func(d time.Duration) string { return modified.Add(d).Format(http.TimeFormat) }
	conditions := []string{ // without a later If-Modified-Since, which means to us that an older file was put back
		"", "If-Match: " + etag, `If-Match: "no"`, `If-Match: "no", ` + etag, "If-Match: W/" + etag, "If-Match: *",
		"If-None-Match: " + etag, `If-None-Match: "no"`, `If-None-Match: "no" , ` + etag, "If-None-Match: W/" + etag, "If-None-Match: *", "If-None-Match: nonsense",
		"If-Modified-Since: " + date(0), "If-Modified-Since: " + date(-time.Second), "If-Modified-Since: yesterday",
		"If-Modified-Since: " + modified.Format(time.RFC850), "If-Modified-Since: " + modified.Format(time.ANSIC),
		"If-Unmodified-Since: " + date(0), "If-Unmodified-Since: " + date(-time.Second), "If-Unmodified-Since: nonsense",
		"If-Range: " + etag, `If-Range: "no"`, "If-Range: W/" + etag, "If-Range: " + date(0), "If-Range: " + date(-time.Second), "If-Range: nonsense",
		"If-None-Match: " + etag + "\nIf-Modified-Since: " + date(-time.Second), `If-None-Match: "no"` + "\nIf-Modified-Since: " + date(0),
		`If-Match: "no"` + "\nIf-Unmodified-Since: " + date(0), "If-Match: " + etag + "\nIf-Unmodified-Since: " + date(-time.Second),
		"If-Match: " + etag + "\nIf-None-Match: " + etag,
	}
	ranges := []string{
		"", "bytes=0-0", "bytes=0-4", "bytes=2-", "bytes=-5", "bytes=-0", "bytes=-9999", "bytes=3999-", "bytes=4000-", "bytes=3999-9999", "bytes=5-4",
		"bytes=0-3999", "bytes=0-", "bytes=0-1,2000-2001", "bytes=0-1,5-8", "bytes=2000-2001,0-1", "bytes=-5,0-9", "bytes=0-1,9000-9001",
		"bytes=9000-,9001-", "bytes=", "bytes=a-b", "bytes=1", "bytes=--1", "bytes= 0-4", "bytes=0-4 , 1000-1004", "bytes=0-,-1", "pages=0-4", "Bytes=0-4", "0-4", "bytes=0-4;x",
		"bytes=18446744073709551616-", "bytes=0-18446744073709551616", "bytes=,0-4", "bytes=0-4,,",
	}
	for _, method := range []string{"GET", "HEAD"} {
		for _, condition := range conditions {
			for _, rng := range ranges {
				header := make(http.Header)
				for line := range strings.Lines(condition) {
					name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
					header.Set(name, value)
				}
				if rng != "" {
					header.Set("Range", rng)
				}
				why, differs := intendedDifference(method, rng)
				want := fetch(t, other.URL+"/f.bin", method, header)
				for path, s := range map[string]*site{"fast": fast, "net/http": slow} {
					got := fetch(t, s.url+"/f.bin", method, header)
					switch {
					case got == want:
					case !differs:
						t.Errorf("%s %v, %s path:\ngot  %v\nwant %v", method, header, path, got, want)
					case got.status != http.StatusOK && got.status != http.StatusPartialContent && got.status != http.StatusRequestedRangeNotSatisfiable:
						t.Errorf("%s %v, %s path: got %v, although only ranges may differ: %s", method, header, path, got, why)
					}
				}
			}
		}
	}
}

// intendedDifference reports whether the response to a range differs from that of
// net/http on purpose, and why.
func intendedDifference(method, rng string) (why string, differs bool) {
	switch {
	case rng == "":
		return "", false
	case method == "HEAD":
		return "RFC 9110, 14.2 defines ranges for GET alone", true
	}
	const (
		invalid   = "RFC 9110, 14.2 lets an invalid field be ignored; net/http refuses it with 416"
		coalesced = "ranges that overlap or almost touch become one"
	)
	why, differs = map[string]string{
		"bytes=a-b": invalid, "bytes=1": invalid, "bytes=--1": invalid, "bytes=5-4": invalid, "bytes=0-4;x": invalid,
		"0-4": invalid, "pages=0-4": invalid,
		"Bytes=0-4":                    "a unit has no case",
		"bytes=-0":                     "a suffix of no bytes cannot be satisfied, which is 416; net/http answers 206 with nothing",
		"bytes=18446744073709551616-":  "a number may be larger than 64 bits",
		"bytes=0-18446744073709551616": "a number may be larger than 64 bits",
		"bytes=0-1,5-8":                coalesced,
		"bytes=0-,-1":                  coalesced,
	}[rng]
	return why, differs
}

// answered is the part of a response that is compared.
type answered struct {
	status                       int
	length, contentRange, ranges string
	modified, etag               string
	parts                        string
}

func fetch(t *testing.T, url, method string, header http.Header) answered {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	h := resp.Header
	a := answered{
		status: resp.StatusCode, contentRange: h.Get("Content-Range"), ranges: h.Get("Accept-Ranges"),
		modified: h.Get("Last-Modified"), etag: h.Get("Etag"),
	}
	if resp.StatusCode >= 400 { // the bodies of errors differ
		a.ranges, a.modified, a.etag = "", "", ""
		return a
	}
	kind, params, _ := mime.ParseMediaType(h.Get("Content-Type"))
	if kind != "multipart/byteranges" || method == "HEAD" {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Errorf("%s %v: %v", method, header, err)
		}
		a.length, a.parts = h.Get("Content-Length"), fmt.Sprintf("%x", body)
		return a
	}
	for r := multipart.NewReader(resp.Body, params["boundary"]); ; {
		part, err := r.NextPart()
		if err == io.EOF {
			return a
		}
		if err != nil {
			t.Errorf("%s %v: %v", method, header, err)
			return a
		}
		body, err := io.ReadAll(part)
		if err != nil {
			t.Errorf("%s %v: %v", method, header, err)
		}
		a.parts += fmt.Sprintf("%s %s %x\n", part.Header.Get("Content-Range"), part.Header.Get("Content-Type"), body)
	}
}

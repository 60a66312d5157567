package httpd_test

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/httpd"
)

func TestPlanHeaders(t *testing.T) {
	modified := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := modified.Add(time.Hour)
	content := bytes.Repeat([]byte("0123456789"), 100)
	fields := http.Header{"Content-Type": {"text/css"}, "Content-Disposition": {"attachment"}}
	common := map[string]string{"Etag": `"abc"`, "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT"}
	whole := map[string]string{"Content-Type": "text/css", "Content-Disposition": "attachment", "Accept-Ranges": "bytes"}
	page := map[string]string{"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", "Vary": "Accept"}
	with := func(maps ...map[string]string) http.Header {
		h := http.Header{}
		for _, m := range maps {
			for name, value := range m {
				h.Set(name, value)
			}
		}
		return h
	}
	for _, tt := range []struct {
		name   string
		req    *http.Request
		status int
		header http.Header
		body   string
	}{
		{"200", request(t, "GET"), 200, with(common, whole), string(content)},
		{"206", request(t, "GET", "Range", "bytes=-3"), 206, with(common, whole, map[string]string{"Content-Range": "bytes 997-999/1000"}), "789"},
		{"304 has only what tells copies apart", request(t, "GET", "If-None-Match", "*"), 304, with(map[string]string{"Etag": `"abc"`}), ""},
		{"412 says what the file is now", request(t, "GET", "If-Match", `"x"`), 412, with(common, page), "412 Precondition Failed\n"},
		{"416 tells the size", request(t, "GET", "Range", "bytes=-0"), 416, with(common, page, map[string]string{"Content-Range": "bytes */1000"}), "416 Requested Range Not Satisfiable\n"},
		{"HEAD has no ranges", request(t, "HEAD", "Range", "bytes=0-1"), 200, with(common, whole), string(content)},
		{"HEAD has conditions", request(t, "HEAD", "If-None-Match", "*"), 304, with(map[string]string{"Etag": `"abc"`}), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := httpd.PlanFile(tt.req, `"abc"`, modified, fields, content, now)
			if got.Status != tt.status || string(got.Body) != tt.body {
				t.Errorf("got %d with %q, want %d with %q", got.Status, got.Body, tt.status, tt.body)
			}
			if diff := cmp.Diff(tt.header, got.Header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
	old := time.Date(-1199, 1, 1, 0, 0, 0, 0, time.UTC)
	if got := httpd.PlanFile(request(t, "GET"), `"abc"`, old, nil, content, now).Header.Get("Last-Modified"); got != "" {
		t.Errorf("a file of %d is Last-Modified %s", old.Year(), got)
	}
	if got := httpd.PlanFile(request(t, "GET"), `"abc"`, now.Add(time.Hour), nil, content, now).Header.Get("Last-Modified"); got != "" {
		t.Errorf("Last-Modified %s of a file from the future, want none", got)
	}
}

// parts takes a multipart/byteranges body apart.
func parts(t *testing.T, contentType string, body io.Reader) (headers []http.Header, contents []string) {
	t.Helper()
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil || mediaType != "multipart/byteranges" {
		t.Fatalf("Content-Type %q, want multipart/byteranges", contentType)
	}
	r := multipart.NewReader(body, params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return headers, contents
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		headers, contents = append(headers, http.Header(p.Header)), append(contents, string(content))
	}
}

func TestSeveralRangesAreParts(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 100)
	fields := http.Header{"Content-Type": {"text/css"}}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	got := httpd.PlanFile(request(t, "GET", "Range", "bytes=500-502,0-1,-1"), `"abc"`, time.Time{}, fields, content, now)
	if got.Status != 206 || got.Header.Get("Content-Range") != "" {
		t.Errorf("got %d with Content-Range %q, want 206 without", got.Status, got.Header.Get("Content-Range"))
	}
	headers, contents := parts(t, got.Header.Get("Content-Type"), bytes.NewReader(got.Body))
	if diff := cmp.Diff([]string{"012", "01", "9"}, contents); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
	wantHeaders := []http.Header{
		{"Content-Type": {"text/css"}, "Content-Range": {"bytes 500-502/1000"}},
		{"Content-Type": {"text/css"}, "Content-Range": {"bytes 0-1/1000"}},
		{"Content-Type": {"text/css"}, "Content-Range": {"bytes 999-999/1000"}},
	}
	if diff := cmp.Diff(wantHeaders, headers); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	again := httpd.PlanFile(request(t, "GET", "Range", "bytes=500-502,0-1"), `"abc"`, time.Time{}, fields, content, now)
	if again.Header.Get("Content-Type") == got.Header.Get("Content-Type") {
		t.Error("two responses have the same boundary")
	}
}

func TestSeveralRangesOfWhatIsCodedAreTheWhole(t *testing.T) {
	fields := http.Header{"Content-Type": {"text/css"}, "Content-Encoding": {"gzip"}}
	got := httpd.PlanFile(request(t, "GET", "Range", "bytes=0-1,-1"), `"abc"`, time.Time{}, fields, make([]byte, 1000), time.Now())
	if got.Status != 200 || len(got.Body) != 1000 {
		t.Errorf("got %d with %d bytes, want 200 with 1000", got.Status, len(got.Body))
	}
}

// What the fast lane may answer with a header that it has kept, and what it
// should leave to others.
func TestWhatTheFastLaneMayDo(t *testing.T) {
	all := &httpd.Handler{Precompressed: true, CORS: []string{"*"}}
	for _, tt := range []struct {
		name           string
		h              *httpd.Handler
		req            *http.Request
		plain, lengthy bool
	}{
		{"a file", all, target(t, "/f.txt"), true, false},
		{"a file in a directory", all, target(t, "/a/b/f.txt", "Accept", "text/html", "User-Agent", "x"), true, false},
		{"a directory", all, target(t, "/a/"), false, false},
		{"a hidden name", all, target(t, "/a/.env"), false, false},
		{"a query", all, target(t, "/f.txt?v=2"), false, false},
		{"a download", all, target(t, "/f.txt?download"), false, false},
		{"a checksum", all, target(t, "/f.txt?sha256"), false, true},
		{"an archive", all, target(t, "/a/?zip"), false, true},
		{"If-Match", all, target(t, "/f.txt", "If-Match", "*"), false, false},
		{"If-None-Match", all, target(t, "/f.txt", "If-None-Match", "*"), false, false},
		{"If-Modified-Since", all, target(t, "/f.txt", "If-Modified-Since", "x"), false, false},
		{"If-Unmodified-Since", all, target(t, "/f.txt", "If-Unmodified-Since", "x"), false, false},
		{"Range", all, target(t, "/f.txt", "Range", "x"), false, false},
		{"If-Range alone says nothing", all, target(t, "/f.txt", "If-Range", "x"), true, false},
		{"Want-Repr-Digest", all, target(t, "/f.txt", "Want-Repr-Digest", "x"), false, true},
		{"Accept-Encoding", all, target(t, "/f.txt", "Accept-Encoding", "x"), false, false},
		{"Accept-Encoding where it does not matter", &httpd.Handler{}, target(t, "/f.txt", "Accept-Encoding", "x"), true, false},
		{"Origin", all, target(t, "/f.txt", "Origin", "x"), false, false},
		{"Origin where it does not matter", &httpd.Handler{}, target(t, "/f.txt", "Origin", "x"), true, false},
	} {
		if plain, lengthy := httpd.Plain(tt.h, tt.req), httpd.Lengthy(tt.req); plain != tt.plain || lengthy != tt.lengthy {
			t.Errorf("%s: got plain %v, lengthy %v, want %v, %v", tt.name, plain, lengthy, tt.plain, tt.lengthy)
		}
	}
}

func target(t *testing.T, target string, header ...string) *http.Request {
	t.Helper()
	r := request(t, "GET", header...)
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatal(err)
	}
	r.URL = u
	return r
}

package plan_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/httpd/internal/plan"
)

func TestHeaders(t *testing.T) {
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
		req    plan.Request
		status int
		header http.Header
		body   string
	}{
		{"200", request("GET"), 200, with(common, whole), string(content)},
		{"206", request("GET", "Range", "bytes=-3"), 206, with(common, whole, map[string]string{"Content-Range": "bytes 997-999/1000"}), "789"},
		{"304 has only the validators", request("GET", "If-None-Match", "*"), 304, with(map[string]string{"Etag": `"abc"`}), ""},
		{"412 has the validators of the present file", request("GET", "If-Match", `"x"`), 412, with(common, page), "412 Precondition Failed\n"},
		{"416 has the size", request("GET", "Range", "bytes=-0"), 416, with(common, page, map[string]string{"Content-Range": "bytes */1000"}), "416 Requested Range Not Satisfiable\n"},
		{"HEAD has no ranges", request("HEAD", "Range", "bytes=0-1"), 200, with(common, whole), string(content)},
		{"HEAD has conditions", request("HEAD", "If-None-Match", "*"), 304, with(map[string]string{"Etag": `"abc"`}), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := plan.RespondTo(tt.req, `"abc"`, modified, fields, content, now)
			if got.Status != tt.status || string(got.Body) != tt.body {
				t.Errorf("got %d with %q, want %d with %q", got.Status, got.Body, tt.status, tt.body)
			}
			if diff := cmp.Diff(tt.header, got.Header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
	old := time.Date(-1199, 1, 1, 0, 0, 0, 0, time.UTC)
	if got := plan.RespondTo(request("GET"), `"abc"`, old, nil, content, now).Header.Get("Last-Modified"); got != "" {
		t.Errorf("a file of %d is Last-Modified %s", old.Year(), got)
	}
	if got, want := plan.RespondTo(request("GET"), `"abc"`, now.Add(time.Hour), nil, content, now).Header.Get("Last-Modified"), plan.FormatDate(now); got != want {
		t.Errorf("Last-Modified %s of a file from the future, want that of Date, %s", got, want)
	}
}

func TestSeveralRangesOfAContentCodingAreTheWhole(t *testing.T) {
	fields := http.Header{"Content-Type": {"text/css"}, "Content-Encoding": {"gzip"}}
	got := plan.RespondTo(request("GET", "Range", "bytes=0-1,-1"), `"abc"`, time.Time{}, fields, make([]byte, 1000), time.Now())
	if got.Status != 200 || len(got.Body) != 1000 {
		t.Errorf("got %d with %d bytes, want 200 with 1000", got.Status, len(got.Body))
	}
}

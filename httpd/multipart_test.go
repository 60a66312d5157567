package httpd_test

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/httpd"
)

// parts parses a multipart/byteranges body.
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
	s := open(t, &httpd.Handler{}, map[string]string{"f.css": string(bytes.Repeat([]byte("0123456789"), 100))})
	got := s.request(t, "GET", "/f.css", "Range", "bytes=500-502,0-1,-1")
	if got.Code != 206 || got.Header().Get("Content-Range") != "" {
		t.Errorf("got %d with Content-Range %q, want 206 without", got.Code, got.Header().Get("Content-Range"))
	}
	headers, contents := parts(t, got.Header().Get("Content-Type"), got.Body)
	if diff := cmp.Diff([]string{"012", "01", "9"}, contents); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
	const css = "text/css; charset=utf-8"
	wantHeaders := []http.Header{
		{"Content-Type": {css}, "Content-Range": {"bytes 500-502/1000"}},
		{"Content-Type": {css}, "Content-Range": {"bytes 0-1/1000"}},
		{"Content-Type": {css}, "Content-Range": {"bytes 999-999/1000"}},
	}
	if diff := cmp.Diff(wantHeaders, headers); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	again := s.request(t, "GET", "/f.css", "Range", "bytes=500-502,0-1,-1")
	if again.Header().Get("Content-Type") == got.Header().Get("Content-Type") {
		t.Error("two responses have the same boundary")
	}
}

package s3fs_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice/httpd"
)

// Another server stores a file after this one has found that there is none.
func TestIfNoneMatchHoldsAmongSeveralServers(t *testing.T) {
	s := newStore(t)
	files := writable(t, s)
	server := httptest.NewServer(&httpd.Handler{FS: files, Write: httpd.Create | httpd.Change})
	defer server.Close()
	put := func(condition string) int {
		r, err := http.NewRequest(http.MethodPut, server.URL+"/f", strings.NewReader("mine"))
		if err != nil {
			t.Fatal(err)
		}
		if condition != "" {
			r.Header.Set("If-None-Match", condition)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	s.setFault(func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			s.put("f", []byte("other"))
		}
		return false
	})
	if status := put("*"); status != http.StatusPreconditionFailed {
		t.Errorf("status %d, want 412", status)
	}
	wantFile(t, files, "f", []byte("other"))
	s.setFault(nil)
	if status := put("*"); status != http.StatusPreconditionFailed {
		t.Errorf("status %d, want 412", status)
	}
	if status := put(""); status != http.StatusNoContent {
		t.Errorf("status %d, want 204", status)
	}
	wantFile(t, files, "f", []byte("mine"))
}

package httpd_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"sluice/httpd"
	"sluice/internal/vfs"
)

// BenchmarkPlan is what it takes to decide on an answer, of a file whose type
// its content tells and which is at hand.
func BenchmarkPlan(b *testing.B) {
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), make([]byte, 1<<20), 0o644); err != nil {
		b.Fatal(err)
	}
	tree, err := vfs.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer tree.Close()
	h := httpd.FileServer(tree)
	defer h.Close()
	first := httptest.NewRecorder()
	h.ServeHTTP(first, httptest.NewRequest(http.MethodHead, "/file", nil))
	for _, bm := range []struct {
		name, field, value string
		want               int
	}{
		{"the file", "", "", http.StatusOK},
		{"a range", "Range", "bytes=65536-131071", http.StatusPartialContent},
		{"not modified", "If-None-Match", first.Header().Get("Etag"), http.StatusNotModified},
		{"another content coding", "Accept-Encoding", "gzip, br, zstd", http.StatusOK},
	} {
		b.Run(bm.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/file", nil)
			if bm.field != "" {
				r.Header.Set(bm.field, bm.value)
			}
			plan := httpd.Planner(h, r)
			b.ReportAllocs()
			for b.Loop() {
				if got := plan(); got != bm.want {
					b.Fatalf("status %d, want %d", got, bm.want)
				}
			}
		})
	}
}

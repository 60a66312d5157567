package httpd_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// BenchmarkPlan measures the planning of a response with a file that is in the cache
// and whose type is guessed from its content.
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

// BenchmarkLayout measures the time before the first byte of an archive of 10,000
// files.
func BenchmarkLayout(b *testing.B) {
	dir := b.TempDir()
	for i := range 10_000 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file%d", i)), []byte("x"), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	root, err := httpd.Dir(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer root.Close()
	for _, kind := range []struct {
		name string
		fs   afero.Fs
	}{{"Root", root}, {"BasePathFs over OsFs", afero.NewBasePathFs(afero.NewOsFs(), dir)}} {
		b.Run(kind.name, func(b *testing.B) {
			h := &httpd.Handler{FS: kind.fs, Archives: true}
			defer h.Close()
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/?tar", nil))
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

// BenchmarkOtherServer measures a response in a plain http.Server, by a Handler and by
// http.FileServer, with the client. See BENCHMARKS.md for the server alone.
func BenchmarkOtherServer(b *testing.B) {
	dir := b.TempDir()
	root, err := httpd.Dir(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer root.Close()
	ours := httpd.FileServer(root)
	defer ours.Close()
	for _, size := range []struct {
		name  string
		bytes int64
	}{{"1KiB", 1 << 10}, {"100KiB", 100 << 10}, {"1MiB", 1 << 20}, {"32MiB", 32 << 20}} {
		if err := os.WriteFile(filepath.Join(dir, size.name), make([]byte, size.bytes), 0o644); err != nil {
			b.Fatal(err)
		}
		nettest.Age(b, filepath.Join(dir, size.name))
		for _, server := range []struct {
			name    string
			handler http.Handler
		}{{"FileServer", http.FileServer(http.Dir(dir))}, {"Handler", ours}} {
			b.Run(size.name+"/"+server.name, func(b *testing.B) {
				srv := httptest.NewServer(server.handler)
				defer srv.Close()
				request := "GET /" + size.name + " HTTP/1.1\r\nHost: test\r\n\r\n"
				b.SetBytes(size.bytes)
				b.ReportAllocs()
				b.SetParallelism(4)
				b.RunParallel(func(pb *testing.PB) {
					c, err := net.Dial("tcp", srv.Listener.Addr().String())
					if err != nil {
						b.Error(err)
						return
					}
					defer c.Close()
					in := bufio.NewReaderSize(c, 64<<10)
					for pb.Next() {
						if _, err := io.WriteString(c, request); err != nil {
							b.Error(err)
							return
						}
						resp, err := http.ReadResponse(in, nil)
						if err != nil {
							b.Error(err)
							return
						}
						if n, err := io.Copy(io.Discard, resp.Body); n != size.bytes || err != nil {
							b.Errorf("%d bytes, %v", n, err)
							return
						}
					}
				})
			})
		}
	}
}

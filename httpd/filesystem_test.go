package httpd_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// siteFiles returns the files in the file systems of these tests.
func siteFiles() map[string]string {
	big := make([]byte, 500_001)
	nettest.PatternAt(big, 0)
	return map[string]string{
		"big.bin": string(big), "empty": "", "docs/a.txt": "hello\n", "docs/deep/index.html": "<p>deep", "docs/c d.txt": "odd",
	}
}

var longAgo = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// get sends a request and returns the response with its body.
func get(t *testing.T, client *http.Client, url string, header ...string) (*http.Response, string) {
	t.Helper()
	return send(t, client, http.MethodGet, url, nil, header...)
}

// serveFS serves a file system and returns the URL, and the transfers that are
// reported.
func serveFS(t *testing.T, h *httpd.Handler, change func(*httpd.Server)) (url string, reported <-chan httpd.Transfer) {
	t.Helper()
	all := make(chan httpd.Transfer, 1000)
	srv := &httpd.Server{Handler: h, OnTransfer: func(r httpd.Transfer) { all <- r }}
	if change != nil {
		change(srv)
	}
	ln := listenLocal(t)
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close(); _ = h.Close() })
	return "http://" + ln.Addr().String(), all
}

func TestEveryFileSystemIsServed(t *testing.T) {
	files := siteFiles()
	for _, kind := range nettest.FileSystems(t, files, longAgo) {
		for path, change := range map[string]func(*httpd.Server){
			"on the fast path": nil, "by net/http": func(srv *httpd.Server) { srv.NoFastPath = true },
		} {
			t.Run(kind.Name+", "+path, func(t *testing.T) {
				h := &httpd.Handler{FS: kind.FS, Archives: true}
				url, reported := serveFS(t, h, change)
				want := sendfile.Copy
				if kind.Real {
					want = fastMethod
				}
				for range 2 { // from the disk, and from the cache
					resp, body := get(t, http.DefaultClient, url+"/big.bin")
					if r := <-reported; body != files["big.bin"] || resp.StatusCode != 200 || r.Method != want || r.Err != nil {
						t.Errorf("%s with %d bytes by %v, %v, want 200 by %v", resp.Status, len(body), r.Method, r.Err, want)
					}
					tag := resp.Header.Get("Etag")
					resp, body = get(t, http.DefaultClient, url+"/big.bin", "If-None-Match", tag)
					if <-reported; resp.StatusCode != http.StatusNotModified || body != "" || tag == "" {
						t.Errorf("%s to the tag %q, want 304", resp.Status, tag)
					}
					resp, body = get(t, http.DefaultClient, url+"/big.bin", "Range", "bytes=400000-,10-19,0-4")
					if r := <-reported; resp.StatusCode != http.StatusPartialContent || r.Method != want || !strings.Contains(body, files["big.bin"][400_000:]) {
						t.Errorf("%s with %d bytes by %v to three ranges", resp.Status, len(body), r.Method)
					}
				}
				for target, want := range map[string]string{
					"/docs/a.txt": "200 hello\n", "/docs/deep/": "200 <p>deep", "/empty": "200 ", "/docs/c%20d.txt": "200 odd",
					"/missing": "404 *", "/docs/a.txt/": "404 *", "/docs/../../x": "404 *",
					"/docs/a.txt?sha256": fmt.Sprintf("200 %x  a.txt\n", sha256.Sum256([]byte("hello\n"))),
				} {
					resp, body := get(t, http.DefaultClient, url+target)
					<-reported
					if got := fmt.Sprint(resp.StatusCode, " ", body); got != want && !(strings.HasSuffix(want, "*") && strings.HasPrefix(got, want[:3])) {
						t.Errorf("%s: got %.100q, want %q", target, got, want)
					}
				}
				resp, body := get(t, http.DefaultClient, url+"/docs/", "Accept", "application/json")
				var listed []struct {
					Name, URL string
					Size      int64
				}
				if err := json.Unmarshal([]byte(body), &listed); err != nil || resp.StatusCode != 200 || fmt.Sprint(listed) != "[{deep ./deep/ 0} {a.txt ./a.txt 6} {c d.txt ./c%20d.txt 3}]" {
					t.Errorf("listed %v, %v", listed, err)
				}
				_, body = get(t, http.DefaultClient, url+"/?zip")
				archive, err := zip.NewReader(strings.NewReader(body), int64(len(body)))
				if err != nil {
					t.Fatal(err)
				}
				if f, err := archive.Open("big.bin"); err != nil {
					t.Error(err)
				} else if content, err := io.ReadAll(f); string(content) != files["big.bin"] {
					t.Errorf("the archive has %d other bytes, %v", len(content), err)
				}
			})
		}
	}
}

func TestReadersOfEveryFileSystemAtOnce(t *testing.T) {
	content := siteFiles()["big.bin"]
	for _, kind := range nettest.FileSystems(t, siteFiles(), longAgo) {
		t.Run(kind.Name, func(t *testing.T) {
			url, _ := serveFS(t, httpd.FileServer(kind.FS), nil)
			transport := &http.Transport{MaxConnsPerHost: 16}
			defer transport.CloseIdleConnections()
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					for range 5 {
						from := rand.IntN(len(content))
						n := 1 + rand.IntN(len(content)-from)
						resp, body := get(t, &http.Client{Transport: transport}, url+"/big.bin", "Range", fmt.Sprintf("bytes=%d-%d", from, from+n-1))
						got, want := sha256.Sum256([]byte(body)), sha256.Sum256([]byte(content[from:from+n]))
						if resp.StatusCode != http.StatusPartialContent || got != want {
							t.Errorf("%s with %d other bytes from %d on, want %d", resp.Status, len(body), from, n)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestAFileSystemInMemoryIsNeverStale(t *testing.T) {
	memory := afero.NewMemMapFs()
	url, _ := serveFS(t, httpd.FileServer(memory), nil)
	for _, content := range []string{"", "one", "other"} {
		want := 404
		if content != "" {
			want = 200
			if err := afero.WriteFile(memory, "/f", []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if resp, body := get(t, http.DefaultClient, url+"/f"); resp.StatusCode != want || want == 200 && body != content {
			t.Errorf("got %s with %q, want %d with %q", resp.Status, body, want, content)
		}
	}
}

// A file that has become shorter since its length was sent must not look complete.
func TestAFileThatShrinksInMemoryIsCut(t *testing.T) {
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, "/f", bytes.Repeat([]byte("x"), 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	shrunk := false
	h := &httpd.Handler{FS: memory, Limiter: hooked(func() {
		if !shrunk {
			shrunk = true
			if err := afero.WriteFile(memory, "/f", []byte("short"), 0o644); err != nil {
				t.Error(err)
			}
		}
	})}
	url, reported := serveFS(t, h, nil)
	resp, err := http.Get(url + "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if r := <-reported; err == nil || r.Err == nil || r.Outcome.String() != "file" {
		t.Errorf("%d bytes, %v, reported %v, %v, want an error on both sides", len(body), err, r.Outcome, r.Err)
	}
}

// hooked is a Limiter without a limit that calls a function.
type hooked func()

func (f hooked) Wait(_ context.Context, n int) (int, error) { f(); return n, nil }
func (hooked) Return(int)                                   {}

func TestTheZeroHandlerAnswers404(t *testing.T) {
	for name, h := range map[string]*httpd.Handler{
		"zero": {}, "a Root that could not be opened": {FS: (*httpd.Root)(nil)},
		"with everything on": {Archives: true, ContentETags: true, Precompressed: true, CompressListings: true, NotFoundPage: "/404.html", Fallback: "/index.html"},
	} {
		url, _ := serveFS(t, h, nil)
		for _, target := range []string{"/", "/a", "/a/", "/?zip", "/a?sha256", "/.well-known/x", "/%00", "//"} {
			if resp, _ := get(t, http.DefaultClient, url+target); resp.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s: got %s, want 404", name, target, resp.Status)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
			if w.Code != http.StatusNotFound {
				t.Errorf("%s: %s without a server: got %d, want 404", name, target, w.Code)
			}
		}
		if got := h.CacheStats(); got != (httpd.CacheStats{}) {
			t.Errorf("%s: it keeps %+v", name, got)
		}
	}
	url, _ := serveAny(t, new(httpd.Server))
	if resp, _ := get(t, http.DefaultClient, url+"/a"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a zero Server: got %s, want 404", resp.Status)
	}
}

// A file without a time of modification, such as an embedded one, has no entity tag.
func TestAFileWithoutATimeHasNoTag(t *testing.T) {
	files := fstest.MapFS{"d/f": {Data: []byte("content")}, "d/g": {Data: []byte("x"), ModTime: longAgo}}
	url, _ := serveFS(t, &httpd.Handler{FS: afero.FromIOFS{FS: files}, Archives: true}, nil)
	for target, tagged := range map[string]bool{"/d/f": false, "/d/f?sha256": false, "/d/?zip": false, "/d/?tar.gz": false, "/d/g": true, "/d/g?sha256": true} {
		resp, _ := get(t, http.DefaultClient, url+target)
		if tag := resp.Header.Get("Etag"); resp.StatusCode != 200 || (tag != "") != tagged {
			t.Errorf("%s: %s with the tag %q, want one: %v", target, resp.Status, tag, tagged)
		}
		if date := resp.Header.Get("Last-Modified"); target == "/d/f" && date != "" {
			t.Errorf("%s: last modified %s, want none", target, date)
		}
	}
}

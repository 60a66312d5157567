package httpd_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/httpd"
)

// tree is a directory with difficult names and sizes for archives.
func tree() map[string]string {
	return map[string]string{
		"pub/a.txt": "content of a", "pub/sub/deep/b.txt": strings.Repeat("b", 100_000), "pub/empty": "", "pub/none/": "",
		"pub/ü €.txt": "unicode", "pub/.secret": "hidden", "pub/.git/config": "hidden", "other": "not beneath",
	}
}

// unzip returns the contents of a zip archive by name. Names of directories end in a slash.
func unzip(t *testing.T, data []byte) map[string]string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(rc) // checks the checksum as well
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		_ = rc.Close()
		files[f.Name] = string(content)
	}
	return files
}

func untar(t *testing.T, data []byte) map[string]string {
	t.Helper()
	r := tar.NewReader(bytes.NewReader(data))
	files := map[string]string{}
	for {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Errorf("%s: %v", h.Name, err)
		}
		files[h.Name] = string(content)
	}
}

func TestArchivesOfADirectory(t *testing.T) {
	s := open(t, &httpd.Handler{Archives: true}, tree())
	if err := os.Symlink("..", filepath.Join(s.dir, "pub", "loop")); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"pub/a.txt": "content of a", "pub/sub/": "", "pub/sub/deep/": "", "pub/sub/deep/b.txt": strings.Repeat("b", 100_000),
		"pub/empty": "", "pub/none/": "", "pub/ü €.txt": "unicode",
	}
	for word, open := range map[string]func(*testing.T, []byte) map[string]string{"zip": unzip, "tar": untar} {
		t.Run(word, func(t *testing.T) {
			target := "/pub/?" + word
			w := s.request(t, "GET", target)
			check(t, w, 200, "", "Content-Disposition", `attachment; filename="pub.`+word+`"`,
				"Content-Length", fmt.Sprint(w.Body.Len()), "Accept-Ranges", "bytes", "Last-Modified", "")
			if diff := cmp.Diff(want, open(t, w.Body.Bytes())); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}

			// A client that resumes gets the rest of the same archive.
			whole, etag := w.Body.String(), w.Header().Get("Etag")
			for _, off := range []int{0, 1, 50, len(whole) / 3, len(whole) / 2, len(whole) - 30, len(whole) - 1} {
				check(t, s.request(t, "GET", target, "Range", fmt.Sprintf("bytes=%d-", off), "If-Range", etag), 206, whole[off:])
				check(t, s.request(t, "GET", target, "Range", fmt.Sprintf("bytes=%d-%d", off, off)), 206, whole[off:off+1])
			}
			check(t, s.request(t, "GET", target, "If-None-Match", etag), 304, "")
			check(t, s.request(t, "HEAD", target), 200, "", "Content-Length", fmt.Sprint(len(whole)), "Etag", etag)

			s.write(t, "pub/sub/deep/b.txt", strings.Repeat("c", 100_000))
			if runtime.GOOS == "linux" {
				check(t, s.request(t, "GET", target, "Range", "bytes=1-", "If-Range", etag), 200, "")
			}
			s.write(t, "pub/sub/deep/b.txt", strings.Repeat("b", 100_000))
		})
	}
	w := s.request(t, "GET", "/pub/?tar.gz", "Range", "bytes=0-0")
	check(t, w, 200, "", "Content-Type", "application/gzip", "Content-Encoding", "", "Content-Disposition", `attachment; filename="pub.tar.gz"`,
		"Content-Length", "", "Accept-Ranges", "")
	r, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, untar(t, data)); diff != "" {
		t.Errorf("tar.gz: files (-want +got):\n%s", diff)
	}
	check(t, s.request(t, "GET", "/pub?zip"), 301, "", "Location", "./pub/?zip")
	check(t, s.request(t, "GET", "/?tar"), 200, "", "Content-Disposition", `attachment; filename="archive.tar"`)
	if files := untar(t, s.request(t, "GET", "/?tar").Body.Bytes()); files["other"] != "not beneath" || files["pub/a.txt"] == "" {
		t.Errorf("the root has %v", files)
	}
	const button = `<form><input type="hidden" name="tar.gz" value=""><button>tar.gz</button></form>`
	if page := s.request(t, "GET", "/pub/", "Accept", "text/html").Body.String(); !strings.Contains(page, button) {
		t.Errorf("the listing does not offer a tar.gz:\n%s", page)
	}
	check(t, s.request(t, "GET", "/pub/?tar.gz="), 200, "", "Content-Type", "application/gzip") // where the button leads
	check(t, s.request(t, "GET", "/pub/a.txt?zip"), 200, "content of a")
	s = s.reopen(t, &httpd.Handler{})
	check(t, s.request(t, "GET", "/pub/?zip"), 200, "", "Content-Type", "text/html; charset=utf-8")
}

func TestTheTagOfAnArchiveChangesWithItsContent(t *testing.T) {
	s := open(t, &httpd.Handler{Archives: true}, map[string]string{"d/a": "1", "d/b": "2", "d/.hidden": "3"})
	tag := func() string { return s.request(t, "HEAD", "/d/?zip").Header().Get("Etag") }
	seen := map[string]string{tag(): "the beginning"}
	if _, ok := seen[tag()]; !ok {
		t.Error("the tag changes without a change")
	}
	s.write(t, "d/.hidden", "more")
	if _, ok := seen[tag()]; !ok {
		t.Error("the tag changes with a file that is not in it")
	}
	for _, step := range []struct {
		name   string
		change func() error
	}{
		{"a longer file", func() error { s.write(t, "d/a", "11"); return nil }},
		{"a new file", func() error { s.write(t, "d/c", "3"); return nil }},
		{"one file less", func() error { return os.Remove(filepath.Join(s.dir, "d", "b")) }},
		{"another name", func() error { return os.Rename(filepath.Join(s.dir, "d", "c"), filepath.Join(s.dir, "d", "e")) }},
		{"a new directory", func() error { return os.Mkdir(filepath.Join(s.dir, "d", "f"), 0o755) }},
	} {
		if err := step.change(); err != nil {
			t.Fatal(err)
		}
		etag := tag()
		if before, ok := seen[etag]; ok {
			t.Errorf("after %s the tag is that of %s", step.name, before)
		}
		seen[etag] = step.name
	}
}

func TestArchivesAreBounded(t *testing.T) {
	s := open(t, &httpd.Handler{Archives: true}, tree())
	httpd.BoundArchives(s.Handler, 7, 14)
	check(t, s.request(t, "GET", "/pub/?zip"), 200, "")
	check(t, s.request(t, "GET", "/?zip"), 413, "")
	check(t, s.request(t, "GET", "/pub/sub/?zip"), 200, "")

	// While one archive is being sent there is room for one more; afterwards for two.
	w := &pausing{ResponseRecorder: httptest.NewRecorder(), during: func() {
		check(t, s.request(t, "GET", "/pub/?zip"), 200, "")
		httpd.BoundArchives(s.Handler, 7, 13)
		check(t, s.request(t, "GET", "/pub/?zip"), 503, "", "Retry-After", "1")
		check(t, s.request(t, "GET", "/pub/sub/?zip"), 200, "")
	}}
	s.ServeHTTP(w, httptest.NewRequest("GET", "/pub/?zip", nil))
	check(t, w.ResponseRecorder, 200, "")
	check(t, s.request(t, "GET", "/pub/?zip"), 200, "")
}

// pausing is a ResponseWriter that calls a function before it sends the header.
type pausing struct {
	*httptest.ResponseRecorder
	during func()
}

func (p *pausing) WriteHeader(status int) {
	p.during()
	p.ResponseRecorder.WriteHeader(status)
}

// A file that has changed since the archive was laid out must end the response: it
// must not become a part of it.
func TestAnArchiveWhoseFilesChangeIsCut(t *testing.T) {
	for name, change := range map[string]func(file string) error{
		"shrinks":  func(file string) error { return os.Truncate(file, 10) },
		"grows":    func(file string) error { return os.WriteFile(file, bytes.Repeat([]byte("y"), 70_000), 0o644) },
		"vanishes": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			h := &httpd.Handler{Archives: true}
			s := open(t, h, map[string]string{"a": strings.Repeat("x", 50_000), "b": "y"})
			other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(&changing{w, func() error { return change(filepath.Join(s.dir, "a")) }}, r)
			}))
			defer other.Close()
			resp, err := http.Get(other.URL + "/?tar")
			if err != nil {
				return // cut before the header was sent
			}
			defer resp.Body.Close()
			if n, err := io.Copy(io.Discard, resp.Body); err == nil {
				t.Errorf("the client took %d bytes for a whole archive of %d", n, resp.ContentLength)
			}
		})
	}
}

// changing is a ResponseWriter that changes a file when the header is sent.
type changing struct {
	http.ResponseWriter
	change func() error
}

func (c *changing) WriteHeader(status int) {
	if err := c.change(); err != nil {
		panic(err)
	}
	c.ResponseWriter.WriteHeader(status)
}

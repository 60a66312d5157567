package httpd_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/sendfile"
)

// withPaths returns a server of a Handler with rights at paths, and its directory.
func withPaths(t *testing.T, h *httpd.Handler, paths map[string]httpd.Rights, files map[string]string) (url, dir string) {
	t.Helper()
	var all []httpd.PathRights
	for name, rights := range paths {
		all = append(all, httpd.PathRights{Path: name, Rights: rights})
	}
	p, err := httpd.NewPaths(all...)
	if err != nil {
		t.Fatal(err)
	}
	root, dir := writable(t, files)
	h.FS, h.Paths = root, p
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL, dir
}

func TestADropBoxTakesFilesAndShowsNone(t *testing.T) {
	url, dir := withPaths(t, &httpd.Handler{Write: httpd.Create}, map[string]httpd.Rights{"/in": httpd.Create, "/pub": httpd.List | httpd.Read},
		map[string]string{"in/taken.txt": "old", "in/dir/x": "x", "pub/f": "f"})
	put := func(target, body string, header ...string) (*http.Response, string) {
		return send(t, http.DefaultClient, "PUT", url+target, strings.NewReader(body), header...)
	}
	for _, target := range []string{"/in/new.txt", "/in/taken.txt", "/in/taken.txt", "/in/dir"} {
		resp, body := put(target, "for "+target)
		if resp.StatusCode != 201 || body != "" || resp.Header.Get("Etag") != "" || resp.Header.Get("Last-Modified") != "" || resp.Header.Get("Location") != "" {
			t.Errorf("PUT %s: %s %v %q", target, resp.Status, resp.Header, body)
		}
	}
	for name, want := range map[string]string{
		"in/taken.txt": "old", "in/new.txt": "for /in/new.txt", "in/taken (2).txt": "for /in/taken.txt", "in/taken (3).txt": "for /in/taken.txt", "in/dir (2)": "for /in/dir", "in/dir/x": "x",
	} {
		if content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); string(content) != want {
			t.Errorf("%s has %q, %v, want %q", name, content, err, want)
		}
	}
	if resp, body := send(t, http.DefaultClient, "GET", url+"/in/", nil, "Accept", "application/json"); resp.StatusCode != 200 || strings.Join(strings.Fields(body), "") != "[]" {
		t.Errorf("the listing of the drop box: %s %q", resp.Status, body)
	}
	if resp, body := send(t, http.DefaultClient, "GET", url+"/", nil, "Accept", "application/json"); resp.StatusCode != 200 || !strings.Contains(body, `"in"`) {
		t.Errorf("the listing above the drop box: %s %q", resp.Status, body)
	}
	// Every other request has the same answer, whether there is such a name or not.
	describe := func(resp *http.Response, body string) string {
		return fmt.Sprint(resp.StatusCode, resp.Header["Etag"], resp.Header["Content-Length"], body)
	}
	for _, tt := range []struct {
		method, query string
		header        []string
	}{
		{"GET", "", nil}, {"HEAD", "", nil}, {"GET", "?sha256", nil}, {"GET", "?zip", nil}, {"GET", "/", nil}, {"DELETE", "", nil},
		{"PUT", "/x", nil}, {"PUT", "", []string{"If-Match", "*"}}, {"PUT", "", []string{"If-None-Match", "*"}}, {"PUT", "", []string{"If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"}},
		{"PUT", "", []string{"Content-Range", "bytes 0-1/2"}}, {"GET", "", []string{"If-None-Match", "*"}}, {"GET", "", []string{"Range", "bytes=0-1"}},
	} {
		request := func(name string) string {
			resp, body := send(t, http.DefaultClient, tt.method, url+"/in/"+name+tt.query, strings.NewReader("new"), tt.header...)
			return describe(resp, body)
		}
		none := request("none-" + tt.method)
		for _, name := range []string{"taken.txt", "dir"} {
			if got := request(name); got != none {
				t.Errorf("%s %v of %s%s: %q, and for a missing name %q", tt.method, tt.header, name, tt.query, got, none)
			}
		}
	}
	if content, _ := os.ReadFile(filepath.Join(dir, "in", "taken.txt")); string(content) != "old" {
		t.Errorf("the old file has %q", content)
	}
	wantNoRemains(t, httpdDir(t, dir), "/in")
}

func httpdDir(t *testing.T, dir string) *httpd.Root {
	t.Helper()
	root, err := httpd.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

// A name that may be neither listed nor read is in nothing that is made of files.
func TestPathsWithoutRightsAreNowhere(t *testing.T) {
	files := map[string]string{
		"f.txt": "open", "f.txt.gz": "not readable", "secret/x": "secret", "secret/404.html": "secret page", "secret/app.html": "secret app",
		"page/index.html": "secret index", "page/f": "listed", "way/secret/y": "secret", "way/open/z": "open",
	}
	none := httpd.Rights(0)
	paths := map[string]httpd.Rights{
		"/": httpd.List | httpd.Read, "/secret": none, "/page/index.html": none, "/f.txt.gz": none, "/way": none, "/way/open": httpd.List | httpd.Read,
	}
	h := &httpd.Handler{Archives: true, Precompressed: true, NotFoundPage: "/secret/404.html", Fallback: "/secret/app.html", Write: writing}
	url, dir := withPaths(t, h, paths, files)
	hidden := []string{"/secret/x", "/secret/none", "/secret"}
	_ = os.Symlink(filepath.FromSlash("secret/x"), filepath.Join(dir, "link"))
	if _, err := os.Lstat(filepath.Join(dir, "link")); err == nil { // wine makes none, and reports no error
		hidden = append(hidden, "/link")
	}
	want := map[string]int{
		"/f.txt": 200, "/secret": 404, "/secret/": 404, "/secret/x": 404, "/secret/x?sha256": 404, "/secret/?zip": 404, "/secret/none": 404, "/link": 404,
		"/page/": 200, "/page/index.html": 404, "/way": 200, "/way/": 200, "/way/secret": 404, "/way/secret/y": 404, "/way/open/": 200, "/way/open/z": 200, "/f.txt.gz": 404,
	}
	for target, status := range want {
		for _, accept := range []string{"", "text/html", "application/json"} {
			resp, body := send(t, http.DefaultClient, "GET", url+target, nil, "Accept", accept, "Accept-Encoding", "gzip")
			if resp.StatusCode != status {
				t.Errorf("GET %s: %s, want %d", target, resp.Status, status)
			}
			if strings.Contains(body, "secret") && !strings.HasPrefix(body, "{") || strings.Contains(body, "not readable") {
				t.Errorf("GET %s for %q shows %q", target, accept, body)
			}
		}
	}
	for _, target := range []string{"/?zip", "/?tar"} {
		_, body := send(t, http.DefaultClient, "GET", url+target, nil)
		names := namesInArchive(t, target, body)
		if want := []string{"f.txt", "page", "page/f", "way", "way/open", "way/open/z"}; !slices.Equal(names, want) {
			t.Errorf("%s has %q, want %q", target, names, want)
		}
	}
	for _, target := range hidden {
		for method, status := range map[string]int{"PUT": 403, "DELETE": 404} {
			resp, body := send(t, http.DefaultClient, method, url+target, strings.NewReader("new"))
			if resp.StatusCode != status {
				t.Errorf("%s %s: %s, want %d", method, target, resp.Status, status)
			}
			_, other := send(t, http.DefaultClient, method, url+"/secret/other", strings.NewReader("new"))
			if resp.StatusCode < 400 || body != other {
				t.Errorf("%s %s: %s %q, want %q", method, target, resp.Status, body, other)
			}
		}
	}
	if content, _ := os.ReadFile(filepath.Join(dir, "secret", "x")); string(content) != "secret" {
		t.Errorf("the secret is %q", content)
	}
}

// namesInArchive returns the names in an archive, without the slashes of directories.
func namesInArchive(t *testing.T, target, content string) (names []string) {
	t.Helper()
	if target == "/?zip" {
		r, err := zip.NewReader(strings.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.File {
			names = append(names, strings.Trim(f.Name, "/"))
		}
		return names
	}
	for r := tar.NewReader(strings.NewReader(content)); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.Trim(head.Name, "/"))
	}
}

// Write bounds the rights at all paths.
func TestWriteBoundsTheRightsAtPaths(t *testing.T) {
	url, _ := withPaths(t, &httpd.Handler{Write: httpd.Create}, map[string]httpd.Rights{"/all": writing | httpd.List | httpd.Read}, map[string]string{"all/f": "old"})
	for request, want := range map[string]int{"PUT /all/n": 201, "PUT /all/f": 403, "DELETE /all/f": 405, "PUT /n": 201} {
		method, target, _ := strings.Cut(request, " ")
		if resp, _ := send(t, http.DefaultClient, method, url+target, strings.NewReader("x")); resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", request, resp.Status, want)
		}
	}
}

func TestADirectoryWithOtherRightsInItIsNotRemoved(t *testing.T) {
	needsRemoval(t)
	all := writing | httpd.List | httpd.Read
	url, dir := withPaths(t, &httpd.Handler{Write: writing}, map[string]httpd.Rights{"/a/secret": 0, "/b/mine": all}, map[string]string{"a/": "", "b/": ""})
	for target, want := range map[string]int{"/a": 403, "/b": 204} {
		if resp, body := send(t, http.DefaultClient, "DELETE", url+target, nil); resp.StatusCode != want {
			t.Errorf("DELETE %s: %s %q, want %d", target, resp.Status, body, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "a")); err != nil {
		t.Error(err)
	}
}

// Rights by path cost no copy of a file.
func TestWithPathsFilesStillGoBySendfile(t *testing.T) {
	const size = 1 << 20
	p, err := httpd.NewPaths(httpd.PathRights{Path: "/in", Rights: httpd.Create})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(srv *httpd.Server) { handler(srv).Paths, handler(srv).CacheValid = p, time.Hour })
	s.pattern(t, "f", size)
	for range 2 { // the second from what is kept
		if resp, body := s.do(t, "GET", "/f", nil); resp.StatusCode != 200 || len(body) != size {
			t.Fatalf("%s, %d bytes", resp.Status, len(body))
		}
		if rec := s.report(t); rec.Method != fastMethod {
			t.Errorf("the method is %v, want %v", rec.Method, fastMethod)
		}
	}
	if opens := handler(s.Server).CacheStats().Opens; opens != 1 {
		t.Errorf("the file was opened %d times, want once", opens)
	}
}

// A guest may send files to the drop box, and is asked for a password elsewhere.
func TestAGuestHasADropBoxAndIsAskedForAPasswordElsewhere(t *testing.T) {
	s := serveUsers(t, accounts{"carol": {Rights: readOnly | httpd.Create}}, func(srv *httpd.Server) {
		root := srv.Handler.(*httpd.Handler).FS.(*httpd.Root)
		if err := os.Mkdir(filepath.Join(root.Dir(), "in"), 0o755); err != nil {
			t.Fatal(err)
		}
		p, err := httpd.NewPaths(httpd.PathRights{Path: "/", Rights: readOnly}, httpd.PathRights{Path: "/in", Rights: httpd.Create})
		if err != nil {
			t.Fatal(err)
		}
		sub, err := httpd.Dir(root.Dir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = sub.Close() })
		srv.Handler = &httpd.Handler{FS: sub.Writable(), Write: httpd.Create, Paths: p}
		srv.Accounts = &httpd.Handler{Write: writing}
	})
	for _, tt := range []struct {
		method, target string
		header         http.Header
		want           int
	}{
		{"PUT", "/in/f", nil, 201}, {"PUT", "/in/f", nil, 201}, {"PUT", "/f", nil, 401}, {"DELETE", "/in/f", nil, 401}, {"DELETE", "/f.txt", nil, 401}, {"GET", "/in/f", nil, 404}, {"GET", "/f.txt", nil, 200},
		{"PUT", "/in/g", http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403}, {"PUT", "/in/g", http.Header{"Origin": {"https://elsewhere.example"}}, 403},
	} {
		resp, body := s.do(t, tt.method, tt.target, tt.header)
		if resp.StatusCode != tt.want {
			t.Errorf("%s %s %v: %s %q, want %d", tt.method, tt.target, tt.header, resp.Status, body, tt.want)
		}
	}
}

func TestGuestsAreAdmittedByTheirAddress(t *testing.T) {
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	for _, noFastPath := range []bool{false, true} {
		for _, tt := range []struct {
			name, forwarded string
			guests          func(netip.Addr) bool
			want            int
		}{
			{"all", "", nil, 200},
			{"of this host", "", loopback.Contains, 200},
			{"of another network", "", netip.MustParsePrefix("10.0.0.0/8").Contains, 404},
			{"behind a proxy", "10.1.2.3", netip.MustParsePrefix("10.0.0.0/8").Contains, 200},
			{"of another network behind a proxy", "10.1.2.3", loopback.Contains, 404},
		} {
			t.Run(fmt.Sprint(tt.name, ", without the fast path: ", noFastPath), func(t *testing.T) {
				s := serve(t, func(srv *httpd.Server) {
					srv.Guests, srv.NoFastPath, srv.ProxyFrom = tt.guests, noFastPath, []netip.Prefix{loopback}
				})
				s.write(t, "f", "content")
				header := make(http.Header)
				if tt.forwarded != "" {
					header.Set("X-Forwarded-For", tt.forwarded)
				}
				for range 2 { // the second from what is kept
					if resp, body := s.do(t, "GET", "/f", header); resp.StatusCode != tt.want || tt.want == 404 && strings.Contains(body, "content") {
						t.Errorf("%s %q, want %d", resp.Status, body, tt.want)
					}
				}
			})
		}
	}
}

func TestAdmittingGuestsAllocatesNothingForACachedFile(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget on purpose")
	}
	if fastMethod != sendfile.Sendfile {
		t.Skip("this is a promise of calls on descriptors")
	}
	s := serve(t, func(srv *httpd.Server) {
		srv.Guests, srv.OnTransfer = netip.MustParsePrefix("127.0.0.0/8").Contains, nil
		handler(srv).CacheValid = time.Hour
	})
	s.write(t, "f", "content")
	c := s.dial(t)
	request, buf := []byte("GET /f HTTP/1.1\r\nHost: x\r\n\r\n"), make([]byte, 4096)
	round := func() {
		if _, err := c.Write(request); err != nil {
			t.Fatal(err)
		}
		for n := 0; !bytes.HasSuffix(buf[:n], []byte("content")); {
			m, err := c.Read(buf[n:])
			if err != nil {
				t.Fatal(err)
			}
			n += m
		}
	}
	for range 10 {
		round()
	}
	if got := testing.AllocsPerRun(200, round); got != 0 {
		t.Errorf("%v allocations a request, want none", got)
	}
}

// A drop box has no other directory, whether there is one or not, also for forms and resumable uploads.
func TestADropBoxAnswersFormsAndResumableUploadsAlike(t *testing.T) {
	for _, dav := range []bool{false, true} {
		url, dir := withPaths(t, &httpd.Handler{Write: httpd.Create, WebDAV: dav}, map[string]httpd.Rights{"/in": httpd.Create}, map[string]string{"in/taken": "old", "in/dir/x": "x"})
		form := "--x\r\nContent-Disposition: form-data; name=a; filename=f\r\n\r\nform\r\n--x--\r\n"
		for _, tt := range []struct {
			body   string
			header []string
		}{
			{form, []string{"Content-Type", "multipart/form-data; boundary=x"}},
			{"", tus("Upload-Length", "3", "Upload-Metadata", metadata("f"))},
			{"new", []string{"Upload-Complete", "?1", "Content-Disposition", "attachment; filename=f"}},
		} {
			answer := func(name string) string {
				resp, body := send(t, http.DefaultClient, "POST", url+"/in/"+name+"/", strings.NewReader(tt.body), tt.header...)
				if resp.StatusCode < 400 {
					t.Errorf("POST %v to %s: %s", tt.header, name, resp.Status)
				}
				return fmt.Sprint(resp.StatusCode, resp.Header["Location"], body)
			}
			none := answer("none")
			for _, name := range []string{"dir", "taken"} {
				if got := answer(name); got != none {
					t.Errorf("POST %v to %s: %q, and to a missing directory %q", tt.header, name, got, none)
				}
			}
		}
		wantNoRemains(t, httpdDir(t, dir), "/in")
	}
}

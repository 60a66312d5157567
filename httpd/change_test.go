package httpd_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// writing are the rights of a client that may do everything.
const writing = httpd.Create | httpd.Change | httpd.Delete

// uploadMethod is the method of a large body in clear here.
var uploadMethod = map[bool]sendfile.Method{true: sendfile.Splice, false: sendfile.Copy}[runtime.GOOS == "linux"]

// writable returns a Root with the files, in which files may be changed, and its directory.
func writable(t *testing.T, files map[string]string) (root *vfs.Root, dir string) {
	t.Helper()
	dir = nettest.TempDir(t)
	opened, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	fill(t, opened.Writable(), files)
	return opened.Writable(), dir
}

// fill writes files; a name that ends with a slash is that of a directory.
func fill(t *testing.T, fsys afero.Fs, files map[string]string) {
	t.Helper()
	for name, content := range files {
		err := fsys.MkdirAll(filepath.ToSlash(filepath.Dir("/"+name)), 0o755)
		if strings.HasSuffix(name, "/") {
			err = fsys.MkdirAll("/"+strings.TrimSuffix(name, "/"), 0o755)
		} else if err == nil {
			err = afero.WriteFile(fsys, "/"+name, []byte(content), 0o644)
			if err == nil { // long enough ago for a strong tag
				err = fsys.Chtimes("/"+name, anHourAgo(), anHourAgo())
			}
			if errors.Is(err, errors.ErrUnsupported) { // a store has strong tags at once
				err = nil
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func anHourAgo() time.Time { return time.Now().Add(-time.Hour) }

// opaque returns an entity tag without the mark of weak ones.
func opaque(resp *http.Response) string { return strings.TrimPrefix(resp.Header.Get("Etag"), "W/") }

// send sends a request with a body, and returns the response and its body. Header is
// pairs of name and value.
func send(t *testing.T, client *http.Client, method, url string, body io.Reader, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return nettest.Exchange(t, client.Do, r)
}

// contentOf returns the content of a file; "-": there is none.
func contentOf(t *testing.T, fsys afero.Fs, name string) string {
	t.Helper()
	b, err := afero.ReadFile(fsys, name)
	if os.IsNotExist(err) {
		return "-"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantNoRemains checks that a directory has no hidden file of an upload.
func wantNoRemains(t *testing.T, fsys afero.Fs, dir string) {
	t.Helper()
	infos, err := afero.ReadDir(fsys, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		if strings.HasSuffix(info.Name(), ".sluice-part") {
			t.Errorf("%s remains", info.Name())
		}
	}
}

func sha256Field(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

func sha512Field(content string) string {
	sum := sha512.Sum512([]byte(content))
	return "sha-512=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// needsRemoval skips a test that wine fails.
func needsRemoval(t *testing.T) {
	t.Helper()
	if nettest.OnWine() {
		t.Skip("wine 8 lacks FileDispositionInformationEx, which os.Root needs to remove files")
	}
}

// wrong is called with what a case finds, as (*testing.T).Errorf.
type wrong = func(format string, args ...any)

var changedFiles = map[string]string{
	"f": "old", "full/f": "x", "empty/": "", ".hidden": "secret", ".well-known/f": "old",
	"f2": "old",
}

const farFuture, longPast = "Fri, 01 Jan 2100 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT"

// changeTest is a request with the body "new", of a tree of changedFiles.
type changeTest struct {
	name    string
	rights  httpd.Rights
	request string // method and path
	header  []string
	status  int
	reason  string // a part of the body
	want    string // content of the path afterwards; "": as before
}

var changeTests = []changeTest{
	{"a new file", writing, "PUT /new", nil, 201, "", "new"},
	{"a new file, with the right create alone", httpd.Create, "PUT /new", nil, 201, "", "new"},
	{"a file is replaced", writing, "PUT /f", nil, 204, "", "new"},
	{"a file is replaced, with the right change alone", httpd.Change, "PUT /f", nil, 204, "", "new"},
	{"a name with blanks and dots", writing, "PUT /empty/../%20a..b", nil, 201, "", "new"},
	{"in .well-known", writing, "PUT /.well-known/f", nil, 204, "", "new"},
	{"a media type does not matter", writing, "PUT /f", []string{"Content-Type", "text/html"}, 204, "", "new"},
	{"no rights", 0, "PUT /f", nil, 405, "", ""},
	{"no rights, removal", 0, "DELETE /f", nil, 405, "", ""},
	{"only the right delete", httpd.Delete, "PUT /f", nil, 405, `"create" or "change"`, ""},
	{"only the right create, and the file exists", httpd.Create, "PUT /f", nil, 403, `the right "change"`, ""},
	{"only the right change, and there is no file", httpd.Change, "PUT /new", nil, 403, `the right "create"`, "-"},
	{"only the right rename", httpd.Rename, "PUT /f", nil, 405, "", ""},
	{"without the right delete", httpd.Create | httpd.Change, "DELETE /f", nil, 405, `the right "delete"`, ""},

	{"over a directory", writing, "PUT /empty", nil, 409, "a directory", ""},
	{"a name that ends with a slash", writing, "PUT /new/", nil, 409, "ends with a slash", ""},
	{"the root", writing, "PUT /", nil, 409, "", ""},
	{"no parent", writing, "PUT /no/new", nil, 409, "no directory", ""},
	{"the parent is a file", writing, "PUT /f/new", nil, 409, "no directory", ""},
	{"a hidden name", writing, "PUT /.hidden", nil, 403, "served here", ""},
	{"in a hidden directory", writing, "PUT /.git/config", nil, 403, "served here", ""},
	{"the name of an unfinished upload", writing, "PUT /.f.0123.sluice-part", nil, 403, "served here", "-"},
	{"a name that is too long", writing, "PUT /" + strings.Repeat("n", 300), nil, 400, "", ""},
	{"larger than MaxUpload", writing, "PUT /f", []string{"X-Size", "large"}, 413, "larger than the 1000 bytes", ""},

	{"Content-Range", writing, "PUT /f", []string{"Content-Range", "bytes 0-2/3"}, 400, "Content-Range", ""},
	{"Content-Encoding", writing, "PUT /f", []string{"Content-Encoding", "gzip"}, 415, "Content-Encoding", ""},
	{"Content-Encoding: identity", writing, "PUT /f", []string{"Content-Encoding", "Identity"}, 204, "", "new"},
	{"a right sha-256", writing, "PUT /f", []string{"Content-Digest", sha256Field("new")}, 204, "", "new"},
	{"a right sha-512", writing, "PUT /f", []string{"Repr-Digest", sha512Field("new") + ", md5=:AA==:"}, 204, "", "new"},
	{"a wrong sha-256", writing, "PUT /f", []string{"Content-Digest", sha256Field("other")}, 400, "checksum", ""},
	{"a wrong sha-512 next to a right sha-256", writing, "PUT /new", []string{"Repr-Digest", sha256Field("new") + "," + sha512Field("x")}, 400, "checksum", "-"},
	{"a malformed digest", writing, "PUT /f", []string{"Content-Digest", "sha-256=abc"}, 400, "malformed", ""},
	{"a malformed time", writing, "PUT /f", []string{"X-OC-Mtime", "yesterday"}, 400, "malformed", ""},

	{"If-None-Match: * and a new name", writing, "PUT /new", []string{"If-None-Match", "*"}, 201, "", "new"},
	{"If-None-Match: * and a file", writing, "PUT /f", []string{"If-None-Match", "*"}, 412, "condition", ""},
	{"If-None-Match: * and a file, with the right create alone", httpd.Create, "PUT /f", []string{"If-None-Match", "*"}, 412, "", ""},
	{"If-None-Match with the tag", writing, "PUT /f", []string{"If-None-Match", "TAG"}, 412, "", ""},
	{"If-Match with the tag", writing, "PUT /f", []string{"If-Match", "TAG"}, 204, "", "new"},
	{"If-Match with another tag", writing, "PUT /f", []string{"If-Match", `"x"`}, 412, "", ""},
	{"If-Match with a weak tag", writing, "PUT /f", []string{"If-Match", "W/TAG"}, 412, "", ""},
	{"If-Match: * and a file", writing, "PUT /f", []string{"If-Match", "*"}, 204, "", "new"},
	{"If-Match: * and no file", writing, "PUT /new", []string{"If-Match", "*"}, 412, "", "-"},
	{"If-Unmodified-Since the future", writing, "PUT /f", []string{"If-Unmodified-Since", farFuture}, 204, "", "new"},
	{"If-Unmodified-Since the past", writing, "PUT /f", []string{"If-Unmodified-Since", longPast}, 412, "", ""},
	{"If-Modified-Since means nothing", writing, "PUT /f", []string{"If-Modified-Since", farFuture}, 204, "", "new"},

	{"a file is removed", httpd.Delete, "DELETE /f", nil, 204, "", "-"},
	{"a file that is missing is removed", writing, "DELETE /new", nil, 404, "", "-"},
	{"below a file", writing, "DELETE /f/g", nil, 404, "", ""},
	{"a file with a slash is removed", writing, "DELETE /f/", nil, 404, "", ""},
	{"an empty directory is removed", writing, "DELETE /empty/", nil, 204, "", ""},
	{"an empty directory is removed by its name", writing, "DELETE /empty", nil, 204, "", ""},
	{"a full directory is removed", writing, "DELETE /full/", nil, 409, "not empty", ""},
	{"the root is removed", writing, "DELETE /", nil, 403, "", ""},
	{"a hidden file is removed", writing, "DELETE /.hidden", nil, 404, "", ""},
	{"DELETE, If-Match with the tag", writing, "DELETE /f", []string{"If-Match", "TAG"}, 204, "", "-"},
	{"DELETE, If-Match with another tag", writing, "DELETE /f", []string{"If-Match", `"x"`}, 412, "", ""},
	{"DELETE, If-Match with the tag of another file", writing, "DELETE /f2", []string{"If-Match", "TAG"}, 412, "", ""},
	{"DELETE, If-Unmodified-Since the past", writing, "DELETE /f", []string{"If-Unmodified-Since", longPast}, 412, "", ""},
	{"DELETE of a directory, If-None-Match: *", writing, "DELETE /empty", []string{"If-None-Match", "*"}, 412, "", ""},

	{"a page of another origin", writing, "PUT /f", []string{"Sec-Fetch-Site", "cross-site"}, 403, "another origin", ""},
	{"a page of another port", writing, "DELETE /f", []string{"Sec-Fetch-Site", "same-site"}, 403, "another origin", ""},
	{"an older browser", writing, "PUT /f", []string{"Origin", "https://evil.example"}, 403, "another origin", ""},
	{"a guest's page of an origin of CORS", writing, "PUT /f", []string{"Origin", "https://friend.example"}, 204, "", "new"},
	{"a page of an origin of CORS, with a password", writing, "PUT /f", []string{"Origin", "https://friend.example", "Authorization", "Basic YTpi"}, 403, "another origin", ""},
	{"a page of an origin of CORS, with a cookie", writing, "PUT /f", []string{"Origin", "https://friend.example", "Cookie", "a=b"}, 403, "another origin", ""},
	{"a page of another origin, by POST", writing, "POST /f", []string{"Sec-Fetch-Site", "cross-site"}, 403, "another origin", ""},
	{"a page of this origin", writing, "PUT /f", []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://proxied.example"}, 204, "", "new"},
	{"another method", writing, "POST /f", nil, 405, "", ""},
	{"a method of WebDAV", writing, "MKCOL /new", nil, 405, "", "-"},
}

func (tt changeTest) run(t *testing.T, fsys afero.Fs, wrong wrong) {
	t.Helper()
	h := &httpd.Handler{FS: fsys, Write: tt.rights, MaxUpload: 1000, CORS: []string{"https://friend.example"}}
	url, reported := serveFS(t, h, nil)
	resp, _ := get(t, http.DefaultClient, url+"/f")
	<-reported
	method, target, _ := strings.Cut(tt.request, " ")
	body, header := "new", append([]string(nil), tt.header...)
	for i, value := range header {
		header[i] = strings.Replace(value, "TAG", resp.Header.Get("Etag"), 1)
		if value == "X-Size" {
			body = strings.Repeat("x", 1001)
		}
	}
	name := strings.TrimSuffix(strings.ReplaceAll(strings.ReplaceAll(target, "/empty/../", "/"), "%20", " "), "/")
	before := ""
	if info, err := fsys.Stat("/" + name); err == nil && !info.IsDir() {
		before = contentOf(t, fsys, name)
	}

	resp, text := send(t, http.DefaultClient, method, url+target, strings.NewReader(body), header...)
	rec := <-reported
	if resp.StatusCode != tt.status || !strings.Contains(text, tt.reason) {
		wrong("%s %q, want %d with %q (%v)", resp.Status, text, tt.status, tt.reason, rec.Err)
	}
	want := tt.want
	if want == "" {
		want = before
	}
	if info, err := fsys.Stat("/" + name); want != "" && (err != nil || !info.IsDir()) {
		if got := contentOf(t, fsys, name); got != want {
			wrong("the file is %q, want %q", got, want)
		}
	}
	if rec.Op != method || rec.Status != tt.status || rec.Target != target {
		wrong("the record is of %s %s %d, want %s with %d", rec.Op, rec.Target, rec.Status, tt.request, tt.status)
	}
	if allow := resp.Header.Get("Allow"); (tt.status == 405) != (allow != "") {
		wrong("Allow %q with status %d", allow, tt.status)
	}
	wantNoRemains(t, fsys, "/")
	if method == "PUT" && tt.status < 300 {
		if rec.Sent != 3 || !rec.Upload || rec.Path != name || rec.Method != sendfile.Copy || rec.Err != nil {
			wrong("the record is %+v", rec)
		}
		got, text := get(t, http.DefaultClient, url+strings.ReplaceAll(name, " ", "%20"))
		if tag := resp.Header.Get("Etag"); text != "new" || tag != opaque(got) || tag == "" {
			wrong("GET has %q with the tag %s, PUT said %s", text, got.Header.Get("Etag"), tag)
		}
	}
}

func TestRequestsThatChangeFiles(t *testing.T) {
	for _, kind := range []struct {
		name string
		make func(t *testing.T) afero.Fs
	}{
		{"a directory", func(t *testing.T) afero.Fs { root, _ := writable(t, changedFiles); return root }},
		{"in memory", func(t *testing.T) afero.Fs {
			fsys := afero.NewMemMapFs()
			fill(t, fsys, changedFiles)
			return fsys
		}},
	} {
		for _, tt := range changeTests {
			t.Run(kind.name+", "+tt.name, func(t *testing.T) {
				if kind.name == "in memory" && strings.Contains(tt.name, "too long") {
					t.Skip("any name is valid there")
				}
				if kind.name == "in memory" && strings.Contains(tt.name, "tag of another file") && runtime.GOOS == "windows" {
					t.Skip("files there have no identity, and all of them the same time")
				}
				if strings.Contains(tt.name, "too long") && nettest.OnWine() {
					t.Skip("wine 8 finds out only when the file is renamed")
				}
				if kind.name == "a directory" && (strings.HasPrefix(tt.request, "DELETE") || strings.Contains(tt.name, "wrong sha")) {
					needsRemoval(t)
				}
				tt.run(t, kind.make(t), t.Errorf)
			})
		}
	}
}

func TestAllowNamesTheMethodsByTheRights(t *testing.T) {
	root, _ := writable(t, map[string]string{"f": "x"})
	for rights, want := range map[httpd.Rights]string{
		0: "GET, HEAD, OPTIONS", httpd.Rename: "GET, HEAD, OPTIONS", httpd.Create: "GET, HEAD, OPTIONS, PUT, POST, PATCH",
		httpd.Delete: "GET, HEAD, OPTIONS, DELETE", writing: "GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE",
	} {
		h := &httpd.Handler{FS: root, Write: rights, CORS: []string{"*"}}
		for _, method := range []string{"OPTIONS", "POST"} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(method, "/f", nil)
			if method == "OPTIONS" {
				r.Header.Set("Origin", "https://friend.example")
			}
			h.ServeHTTP(w, r)
			if got := w.Header().Get("Allow"); got != want {
				t.Errorf("rights %b: %s allows %q, want %q", rights, method, got, want)
			}
			if got := w.Header().Get("Access-Control-Allow-Methods"); got != "" && got != "GET, HEAD, OPTIONS" {
				t.Errorf("rights %b: CORS allows %q", rights, got)
			}
		}
		_ = h.Close()
	}
}

func TestARefusalIsJSONForPrograms(t *testing.T) {
	root, _ := writable(t, map[string]string{"f": "old"})
	url, _ := serveFS(t, &httpd.Handler{FS: root, Write: httpd.Create}, nil)
	resp, text := send(t, http.DefaultClient, "PUT", url+"/f", strings.NewReader("new"), "Accept", "application/json")
	var got struct {
		Status        int
		Title, Detail string
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || got.Status != 403 || got.Title != "Forbidden" || !strings.Contains(got.Detail, `"change"`) {
		t.Errorf("%q is %+v, %v", text, got, err)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	_, text = send(t, http.DefaultClient, "PUT", url+"/f", strings.NewReader("new"), "Accept", "text/html")
	if !strings.Contains(text, "the right &#34;change&#34;") {
		t.Errorf("%q, want a page with the right", text)
	}
}

func TestALinkItselfIsReplacedAndRemoved(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	root, dir := writable(t, map[string]string{"target": "old", "sub/": ""})
	link := func(text string) {
		_ = os.Remove(filepath.Join(dir, "link"))
		if err := os.Symlink(text, filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
	}
	url, _ := serveFS(t, &httpd.Handler{FS: root, Write: writing}, nil)
	link("target")
	resp, _ := send(t, http.DefaultClient, "PUT", url+"/link", strings.NewReader("new"))
	if info, err := os.Lstat(filepath.Join(dir, "link")); resp.StatusCode != 204 || err != nil || !info.Mode().IsRegular() || contentOf(t, root, "/target") != "old" {
		t.Errorf("PUT: %s, %v, the target is %q", resp.Status, err, contentOf(t, root, "/target"))
	}
	for _, text := range []string{"target", "sub", "nowhere", "../../etc"} {
		link(text)
		resp, _ := send(t, http.DefaultClient, "DELETE", url+"/link", nil)
		if _, err := os.Lstat(filepath.Join(dir, "link")); resp.StatusCode != 204 || !os.IsNotExist(err) {
			t.Errorf("DELETE of a link to %s: %s, %v", text, resp.Status, err)
		}
	}
	if got := contentOf(t, root, "/target"); got != "old" {
		t.Errorf("the target is %q", got)
	}
	link("sub")
	if resp, _ := send(t, http.DefaultClient, "PUT", url+"/link", strings.NewReader("new")); resp.StatusCode != 409 {
		t.Errorf("PUT to a link to a directory: %s, want 409", resp.Status)
	}
	link("../outside")
	if resp, _ := send(t, http.DefaultClient, "PUT", url+"/link", strings.NewReader("new")); resp.StatusCode != 403 {
		t.Errorf("PUT to a link that leads out: %s, want 403", resp.Status)
	}
	link("nowhere")
	if resp, _ := send(t, http.DefaultClient, "PUT", url+"/link", strings.NewReader("new"), "If-None-Match", "*"); resp.StatusCode != 412 {
		t.Errorf("PUT of a new file to a dangling link: %s, want 412", resp.Status)
	}
}

func TestAReadOnlyFileSystemRefusesChanges(t *testing.T) {
	root, dir := writable(t, map[string]string{"f": "old"})
	readOnly, err := httpd.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	for name, fsys := range map[string]afero.Fs{"Dir": readOnly, "ReadOnlyFs": afero.NewReadOnlyFs(root)} {
		url, _ := serveFS(t, &httpd.Handler{FS: fsys, Write: writing}, nil)
		for _, request := range []string{"PUT /f", "PUT /new", "DELETE /f"} {
			method, target, _ := strings.Cut(request, " ")
			resp, text := send(t, http.DefaultClient, method, url+target, strings.NewReader("new"))
			if resp.StatusCode != 403 {
				t.Errorf("%s, %s: %s %q, want 403", name, request, resp.Status, text)
			}
		}
	}
	if got := contentOf(t, root, "/f"); got != "old" {
		t.Errorf("the file is %q", got)
	}
}

func TestLargeUploadsAreSplicedFromThisServer(t *testing.T) {
	root, dir := writable(t, nil)
	for _, size := range []int64{2<<20 - 1, 2 << 20, 2<<20 + 1, 16<<20 + 4000, 40 << 20} {
		for _, fast := range []bool{true, false} {
			for _, expect := range []string{"", "100-continue"} {
				t.Run(fmt.Sprintf("%d bytes, fast path %v, expect %q", size, fast, expect), func(t *testing.T) {
					h := &httpd.Handler{FS: root, Write: writing, User: "alice"}
					url, reported := serveFS(t, h, func(srv *httpd.Server) { srv.NoFastPath = !fast })
					client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
					defer client.CloseIdleConnections()
					for range 2 { // on one connection
						r, err := http.NewRequestWithContext(t.Context(), "PUT", url+"/big", nettest.Pattern(size))
						if err != nil {
							t.Fatal(err)
						}
						r.ContentLength = size
						if expect != "" {
							r.Header.Set("Expect", expect)
						}
						resp, err := client.Do(r)
						if err != nil {
							t.Fatal(err)
						}
						_ = resp.Body.Close()
						rec := <-reported
						want := uploadMethod
						if size < 2<<20 {
							want = sendfile.Copy
						}
						if resp.StatusCode/100 != 2 || rec.Method != want || rec.Sent != size || rec.Err != nil || rec.User != "alice" {
							t.Errorf("%s, %d bytes by %v for %q, %v", resp.Status, rec.Sent, rec.Method, rec.User, rec.Err)
						}
						if want == sendfile.Splice && rec.ZeroCopied < size-(64<<10) {
							t.Errorf("%d of %d bytes were spliced", rec.ZeroCopied, size)
						}
						got, err := os.ReadFile(filepath.Join(dir, "big"))
						if err != nil {
							t.Fatal(err)
						}
						content, _ := io.ReadAll(nettest.Pattern(size))
						if sha256.Sum256(got) != sha256.Sum256(content) {
							t.Errorf("the content of %d bytes differs", len(got))
						}
					}
				})
			}
		}
	}
}

// TestRequestsBehindASplicedBodyAreAnswered sends all at once, so that net/http and the
// fast path have read a part of the body before it is spliced.
func TestRequestsBehindASplicedBodyAreAnswered(t *testing.T) {
	root, _ := writable(t, map[string]string{"small": "small"})
	url, reported := serveFS(t, &httpd.Handler{FS: root, Write: writing}, nil)
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const size = 18<<20 + 77
	content, _ := io.ReadAll(nettest.Pattern(size))
	var all bytes.Buffer
	for range 2 {
		fmt.Fprintf(&all, "GET /small HTTP/1.1\r\nHost: x\r\n\r\nPUT /big HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
		all.Write(content)
	}
	all.WriteString("GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
	go func() { _, _ = c.Write(all.Bytes()) }()
	in := bufio.NewReader(c)
	for _, want := range []string{"200 small", "201 ", "200 small", "204 ", "200 small"} {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if got := fmt.Sprintf("%d %s", resp.StatusCode, body); got != want || err != nil {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
		if rec := <-reported; rec.Op == "PUT" && rec.Method != uploadMethod {
			t.Errorf("method %v, want %v", rec.Method, uploadMethod)
		}
		if want != "200 small" && contentOf(t, root, "/big") != string(content) {
			t.Fatal("the content differs")
		}
	}
}

// sum wraps the body of requests, as middleware does that checks them.
func sum(h http.Handler, sums chan<- [32]byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hash := sha256.New()
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, hash), r.Body}
		h.ServeHTTP(w, r)
		sums <- [32]byte(hash.Sum(nil))
	})
}

func TestUploadsAreCopiedElsewhere(t *testing.T) {
	const size = 5 << 20
	content, _ := io.ReadAll(nettest.Pattern(size))
	root, _ := writable(t, nil)
	sums := make(chan [32]byte, 1)
	put := func(t *testing.T, client *http.Client, url string, h *httpd.Handler, records <-chan httpd.Transfer, body io.Reader, header ...string) {
		t.Helper()
		resp, text := send(t, client, "PUT", url+"/f", body, header...)
		rec := <-records
		if resp.StatusCode/100 != 2 || rec.Method != sendfile.Copy || rec.Sent != size || rec.Err != nil {
			t.Errorf("%s %q, %d bytes by %v, %v", resp.Status, text, rec.Sent, rec.Method, rec.Err)
		}
		if got := contentOf(t, h.FS, "/f"); got != string(content) {
			t.Errorf("the content of %d bytes differs", len(got))
		}
	}
	t.Run("without a length", func(t *testing.T) {
		h := &httpd.Handler{FS: root, Write: writing}
		url, reported := serveFS(t, h, nil)
		put(t, http.DefaultClient, url, h, reported, struct{ io.Reader }{bytes.NewReader(content)})
	})
	t.Run("with a checksum", func(t *testing.T) {
		h := &httpd.Handler{FS: root, Write: writing}
		url, reported := serveFS(t, h, nil)
		put(t, http.DefaultClient, url, h, reported, bytes.NewReader(content), "Content-Digest", sha256Field(string(content)))
	})
	t.Run("Method is Copy", func(t *testing.T) {
		h := &httpd.Handler{FS: root, Write: writing, Method: sendfile.Copy}
		url, reported := serveFS(t, h, nil)
		put(t, http.DefaultClient, url, h, reported, bytes.NewReader(content))
	})
	t.Run("in memory", func(t *testing.T) {
		h := &httpd.Handler{FS: afero.NewMemMapFs(), Write: writing}
		url, reported := serveFS(t, h, nil)
		put(t, http.DefaultClient, url, h, reported, bytes.NewReader(content))
	})
	t.Run("behind middleware that reads the body", func(t *testing.T) {
		reported := make(chan httpd.Transfer, 1)
		h := &httpd.Handler{FS: root, Write: writing, OnTransfer: func(r httpd.Transfer) { reported <- r }}
		url, _ := serveAny(t, &httpd.Server{Handler: sum(h, sums)})
		put(t, http.DefaultClient, url, h, reported, bytes.NewReader(content))
		if got := <-sums; got != sha256.Sum256(content) {
			t.Error("the middleware has read other bytes")
		}
	})
	for name, http2 := range map[string]bool{"another server": false, "another server, HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			records := make(chan httpd.Transfer, 1)
			h := &httpd.Handler{FS: root, Write: writing, OnTransfer: func(r httpd.Transfer) { records <- r }}
			defer h.Close()
			srv := httptest.NewUnstartedServer(h)
			srv.EnableHTTP2 = http2
			if srv.Start(); http2 {
				srv.Close()
				srv = httptest.NewUnstartedServer(h)
				srv.EnableHTTP2 = true
				srv.StartTLS()
			}
			defer srv.Close()
			put(t, srv.Client(), srv.URL, h, records, bytes.NewReader(content))
		})
	}
}

func TestMiddlewareThatPassesTheBodyOnKeepsSplice(t *testing.T) {
	root, _ := writable(t, nil)
	reported := make(chan httpd.Transfer, 1)
	h := &httpd.Handler{FS: root, Write: writing, OnTransfer: func(r httpd.Transfer) { reported <- r }}
	url, _ := serveAny(t, &httpd.Server{Handler: http.StripPrefix("/files", h)})
	resp, _ := send(t, http.DefaultClient, "PUT", url+"/files/f", nettestBody(4<<20))
	if rec := <-reported; resp.StatusCode != 201 || rec.Method != uploadMethod || rec.Path != "/f" {
		t.Errorf("%s, %s by %v, want %v", resp.Status, rec.Path, rec.Method, uploadMethod)
	}
}

// nettestBody returns the pattern as a body of known length.
func nettestBody(size int64) io.Reader {
	content, _ := io.ReadAll(nettest.Pattern(size))
	return bytes.NewReader(content)
}

func TestOnlyOneOfManyWritersWins(t *testing.T) {
	needsRemoval(t)
	for name, header := range map[string]string{"If-None-Match: *": "", "If-Match with the tag of the old file": "old"} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			if header != "" {
				files["f"] = header
			}
			root, _ := writable(t, files)
			url, _ := serveFS(t, &httpd.Handler{FS: root, Write: writing}, nil)
			fields := []string{"If-None-Match", "*"}
			if header != "" {
				resp, _ := get(t, http.DefaultClient, url+"/f")
				fields = []string{"If-Match", resp.Header.Get("Etag")}
			}
			const writers = 8
			results := make([]int, writers)
			// Each body ends only when all have begun, so that all pass the first check.
			var begun, ended sync.WaitGroup
			begun.Add(writers)
			for i := range writers {
				ended.Go(func() {
					r, w := io.Pipe()
					go func() {
						_, _ = w.Write([]byte("writer "))
						begun.Done()
						begun.Wait()
						_, _ = fmt.Fprint(w, i)
						_ = w.Close()
					}()
					resp, _ := send(t, &http.Client{Transport: new(http.Transport)}, "PUT", url+"/f", r, fields...)
					results[i] = resp.StatusCode
				})
			}
			ended.Wait()
			won := -1
			for i, status := range results {
				switch {
				case status/100 == 2 && won >= 0:
					t.Errorf("both %d and %d have won", won, i)
				case status/100 == 2:
					won = i
				case status != 412:
					t.Errorf("writer %d: %d, want 412", i, status)
				}
			}
			if got, want := contentOf(t, root, "/f"), fmt.Sprint("writer ", won); got != want {
				t.Errorf("the file is %q, want %q", got, want)
			}
			wantNoRemains(t, root, "/")
		})
	}
}

func TestContinueIsSentOnlyForABodyThatIsWanted(t *testing.T) {
	root, _ := writable(t, map[string]string{"f": "old", "dir/": ""})
	url, _ := serveFS(t, &httpd.Handler{FS: root, Write: httpd.Create, MaxUpload: 100 << 20}, nil)
	for _, tt := range []struct {
		name, target, fields, want string
	}{
		{"a new file", "/new", "Content-Length: 3", "HTTP/1.1 100 Continue"},
		{"a missing right", "/f", "Content-Length: 3", "HTTP/1.1 403 Forbidden"},
		{"a condition", "/f", "Content-Length: 3\r\nIf-None-Match: *", "HTTP/1.1 412 Precondition Failed"},
		{"too large", "/new2", "Content-Length: 104857601", "HTTP/1.1 413 Request Entity Too Large"},
		{"a directory", "/dir", "Content-Length: 3", "HTTP/1.1 409 Conflict"},
		{"more than the disk has", "/new3", "Content-Length: 9000000000000000000", "HTTP/1.1 413 Request Entity Too Large"},
		{"an unknown expectation", "/new4", "Content-Length: 3\r\nExpect: money", "HTTP/1.1 417 Expectation Failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fields := tt.fields
			if !strings.Contains(fields, "Expect") {
				fields += "\r\nExpect: 100-continue"
			}
			fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", tt.target, fields)
			in := bufio.NewReader(c)
			line, err := in.ReadString('\n')
			if got := strings.TrimSpace(line); got != tt.want || err != nil {
				t.Fatalf("%q, %v, want %q", got, err, tt.want)
			}
			if !strings.Contains(tt.want, "100") {
				return
			}
			_, _ = in.ReadString('\n')
			_, _ = io.WriteString(c, "new")
			if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != 201 {
				t.Errorf("%v, %v", resp, err)
			}
		})
	}
}

func TestAFullDiskIsReportedBeforeTheBody(t *testing.T) {
	root, _ := writable(t, nil)
	if _, err := root.Free("/"); errors.Is(err, errors.ErrUnsupported) {
		t.Skip("package vfs does not know the free space on this system")
	}
	url, _ := serveFS(t, &httpd.Handler{FS: root, Write: writing}, nil)
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "PUT /f HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000000000000\r\nExpect: 100-continue\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 507 {
		t.Errorf("%v, %v, want 507", resp, err)
	}
}

// TestACutBodyIsNeverVisible cuts bodies at random points. The bytes that are kept for
// the user are hidden, and Sweep removes them.
func TestACutBodyIsNeverVisible(t *testing.T) {
	needsRemoval(t)
	root, dir := writable(t, map[string]string{"old": "old"})
	for _, user := range []string{"", "alice"} {
		url, reported := serveFS(t, &httpd.Handler{FS: root, Write: writing, User: user}, nil)
		for i := range 40 {
			size := []int64{100, 300 << 10, 3 << 20, 20 << 20}[i%4]
			cut := rand.Int64N(size)
			target := []string{"/old", "/new"}[i/4%2]
			chunked := i%8 >= 4 && size < 1<<20
			c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			length := fmt.Sprintf("Content-Length: %d\r\n", size)
			if chunked {
				length = "Transfer-Encoding: chunked\r\n"
			}
			fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: x\r\n%s\r\n", target, length)
			if chunked {
				fmt.Fprintf(c, "%x\r\n", size)
			}
			_, _ = io.CopyN(c, nettest.Pattern(size), cut)
			if i%2 == 0 {
				_ = c.(*net.TCPConn).CloseWrite()
				if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 400 {
					t.Errorf("%d of %d bytes: %v, %v, want 400", cut, size, resp, err)
				}
			}
			_ = c.Close()
			rec := <-reported
			if rec.Err == nil || rec.Status != 400 || rec.Outcome.String() != "peer" || rec.Sent > cut {
				t.Errorf("%d of %d bytes: status %d, %v, %d bytes, %v", cut, size, rec.Status, rec.Outcome, rec.Sent, rec.Err)
			}
			if (rec.Kept > 0) != (user != "" && rec.Sent >= 64<<10) {
				t.Errorf("%d of %d bytes kept for %q", rec.Kept, rec.Sent, user)
			}
			if user == "" {
				wantNoRemains(t, root, "/")
			}
			if contentOf(t, root, "/old") != "old" || contentOf(t, root, "/new") != "-" {
				t.Fatal("a cut body is visible")
			}
			if _, list := get(t, http.DefaultClient, url+"/", "Accept", "application/json"); strings.Contains(list, "part") {
				t.Errorf("the listing shows %s", list)
			}
			<-reported
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		yesterday := time.Now().Add(-24 * time.Hour)
		if err := os.Chtimes(filepath.Join(dir, e.Name()), yesterday, yesterday); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := httpd.Sweep(context.Background(), root, 2*time.Hour); n == 0 || err != nil {
		t.Errorf("Sweep removed %d, %v", n, err)
	}
	wantNoRemains(t, root, "/")
}

func TestBrokenChunksLeaveTheOldFile(t *testing.T) {
	root, _ := writable(t, map[string]string{"f": "old"})
	url, _ := serveFS(t, &httpd.Handler{FS: root, Write: writing, MaxUpload: 10}, nil)
	for body, want := range map[string]int{
		"3\r\nnew\r\n0\r\n\r\n": 204, "3\r\nnewer\r\n0\r\n\r\n": 400, "x\r\n": 400, "-1\r\n": 400,
		"b\r\n01234567890\r\n0\r\n\r\n": 413,
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "PUT /f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%s", body)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != want {
			t.Errorf("%q: %v, %v, want %d", body, resp, err, want)
		}
		_ = c.Close()
		if got := contentOf(t, root, "/f"); got != "old" && got != "new" {
			t.Errorf("%q: the file is %q", body, got)
		}
	}
}

func TestAStalledBodyEndsWith408(t *testing.T) {
	root, _ := writable(t, map[string]string{"f": "old"})
	for _, size := range []int64{1000, 4 << 20} {
		url, reported := serveFS(t, &httpd.Handler{FS: root, Write: writing}, func(srv *httpd.Server) { srv.StallTimeout = 50 * time.Millisecond })
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "PUT /f HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\nbegin", size)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != 408 {
			t.Errorf("%d: %v, %v, want 408", size, resp, err)
		}
		if rec := <-reported; rec.Err == nil || rec.Status != 408 {
			t.Errorf("%d: the record has %d, %v", size, rec.Status, rec.Err)
		}
		_ = c.Close()
	}
	if got := contentOf(t, root, "/f"); got != "old" {
		t.Errorf("the file is %q", got)
	}
}

func TestTheTimeOfAFileIsSet(t *testing.T) {
	root, _ := writable(t, nil)
	for name, fsys := range map[string]afero.Fs{"a directory": root, "in memory": afero.NewMemMapFs()} {
		url, _ := serveFS(t, &httpd.Handler{FS: fsys, Write: writing}, nil)
		resp, _ := send(t, http.DefaultClient, "PUT", url+"/f", strings.NewReader("new"), "X-OC-Mtime", "1500000000")
		info, err := fsys.Stat("/f")
		if err != nil || info.ModTime().Unix() != 1500000000 || resp.Header.Get("X-OC-Mtime") != "accepted" {
			t.Errorf("%s: %v, %v, X-OC-Mtime %q", name, info, err, resp.Header.Get("X-OC-Mtime"))
		}
		got, _ := get(t, http.DefaultClient, url+"/f")
		if got.Header.Get("Last-Modified") != "Fri, 14 Jul 2017 02:40:00 GMT" || got.Header.Get("Etag") != resp.Header.Get("Etag") {
			t.Errorf("%s: GET has %v, PUT had %v", name, got.Header, resp.Header)
		}
	}
	// An old compressed form would look like one of the new file.
	url, _ := serveFS(t, &httpd.Handler{FS: root, Write: writing, Precompressed: true}, nil)
	resp, _ := send(t, http.DefaultClient, "PUT", url+"/f", strings.NewReader("new"), "X-OC-Mtime", "1500000000")
	if info, err := root.Stat("/f"); err != nil || time.Since(info.ModTime()) > time.Hour || resp.Header.Get("X-OC-Mtime") != "" {
		t.Errorf("with Precompressed: %v, %v", info.ModTime(), err)
	}
}

func TestAChangeIsSeenByTheNextRequest(t *testing.T) {
	needsRemoval(t)
	root, _ := writable(t, map[string]string{"f": "0"})
	url, _ := serveFS(t, &httpd.Handler{FS: root, Write: writing, CacheValid: time.Hour}, nil)
	for i := range 50 {
		want := fmt.Sprint("content ", i)
		resp, _ := send(t, http.DefaultClient, "PUT", url+"/f", strings.NewReader(want))
		got, body := get(t, http.DefaultClient, url+"/f")
		if body != want || opaque(got) != resp.Header.Get("Etag") {
			t.Fatalf("%q with %s, want %q with %s", body, got.Header.Get("Etag"), want, resp.Header.Get("Etag"))
		}
		if resp, _ = send(t, http.DefaultClient, "DELETE", url+"/f", nil); resp.StatusCode != 204 {
			t.Fatal(resp.Status)
		}
		if got, _ = get(t, http.DefaultClient, url+"/f"); got.StatusCode != 404 {
			t.Fatalf("%s after DELETE", got.Status)
		}
	}
}

func TestAnEmptyBodyMakesAnEmptyFile(t *testing.T) {
	root, _ := writable(t, nil)
	h := &httpd.Handler{FS: root, Write: writing}
	defer h.Close()
	r := httptest.NewRequest("PUT", "/f", nil)
	r.Body = nil
	for _, want := range []int{201, 204} {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want || contentOf(t, root, "/f") != "" {
			t.Errorf("status %d, the file is %q, want %d", w.Code, contentOf(t, root, "/f"), want)
		}
	}
}

func TestARefusedRemovalIsNoFailureOfTheFileSystem(t *testing.T) {
	needsRemoval(t)
	root, _ := writable(t, map[string]string{"dir/f": "x"})
	url, reported := serveFS(t, &httpd.Handler{FS: root, Write: writing}, nil)
	send(t, http.DefaultClient, "DELETE", url+"/dir/", nil)
	if rec := <-reported; rec.Status != 409 || rec.Err != nil || rec.Path != "/dir" {
		t.Errorf("the record is of %s with %d, %v", rec.Path, rec.Status, rec.Err)
	}
}

func TestShutdownWaitsForAnUploadAndCloseEndsIt(t *testing.T) {
	needsRemoval(t)
	const size = 24 << 20
	for name, closes := range map[string]bool{"Shutdown": false, "Close": true} {
		t.Run(name, func(t *testing.T) {
			root, _ := writable(t, map[string]string{"f": "old"})
			records := make(chan httpd.Transfer, 1)
			begun := make(chan struct{})
			srv := &httpd.Server{
				Handler: &httpd.Handler{FS: root, Write: writing}, OnTransfer: func(r httpd.Transfer) { records <- r },
			}
			url, _ := serveAny(t, srv)
			c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			in := bufio.NewReader(c)
			fmt.Fprintf(c, "PUT /f HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", size)
			if line, err := in.ReadString('\n'); !strings.Contains(line, "100") {
				t.Fatalf("%q, %v", line, err)
			}
			_, _ = in.ReadString('\n')
			content, _ := io.ReadAll(nettest.Pattern(size))
			if _, err := c.Write(content[:size/2]); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() {
				close(begun)
				if closes {
					done <- srv.Close()
					return
				}
				done <- srv.Shutdown(t.Context())
			}()
			<-begun
			want := "old"
			if !closes {
				_, _ = c.Write(content[size/2:])
				if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != 204 {
					t.Errorf("%v, %v", resp, err)
				}
				want = string(content)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
			if rec := <-records; (rec.Err != nil) != closes || rec.Method != uploadMethod {
				t.Errorf("the record has %v by %v", rec.Err, rec.Method)
			}
			if got := contentOf(t, root, "/f"); got != want {
				t.Errorf("the file has %d bytes, want %d", len(got), len(want))
			}
			wantNoRemains(t, root, "/")
		})
	}
}

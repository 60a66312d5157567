package httpd_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// mounting are the rights of a WebDAV client that may do everything.
const mounting = writing | httpd.Rename

// davServer serves a tree by WebDAV.
func davServer(t *testing.T, files map[string]string, change func(h *httpd.Handler)) (url string, root *vfs.Root) {
	t.Helper()
	root, _ = writable(t, files)
	return davServerOf(t, root, change), root
}

// davServerOf is davServer for any tree.
func davServerOf(t *testing.T, fsys afero.Fs, change func(h *httpd.Handler)) (url string) {
	t.Helper()
	h := &httpd.Handler{FS: fsys, Write: mounting, User: "alice", WebDAV: true, Durability: httpd.DurabilityNone}
	if change != nil {
		change(h)
	}
	server := httptest.NewServer(h)
	t.Cleanup(func() { server.Close(); _ = h.Close() })
	return server.URL
}

const lockBody = `<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>mailto:alice</D:href></D:owner></D:lockinfo>`

// dav sends a request of WebDAV. Header is pairs of name and value.
func dav(t *testing.T, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	return send(t, http.DefaultClient, method, url, strings.NewReader(body), header...)
}

var davFiles = map[string]string{
	"f": "old", "g": "other", "d/a": "a", "d/sub/b": "b", "e/c": "c", "empty/": "", ".hidden": "secret", "h/.x": "x", "h/y": "y",
}

const noExecute = `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:getetag>x</D:getetag><x xmlns="y:">1</x></D:prop></D:set></D:propertyupdate>`

// davTest is a request of WebDAV, of a tree of davFiles.
type davTest struct {
	name    string
	rights  httpd.Rights
	request string // method and path
	header  []string
	body    string
	status  int
	answer  string            // a part of the body of the response
	want    map[string]string // contents afterwards; "-": there is none
}

var davTests = []davTest{
	{"a directory is made", mounting, "MKCOL /new/", nil, "", 201, "", nil},
	{"without its parent", mounting, "MKCOL /x/new", nil, "", 409, "no directory to put this in", nil},
	{"beneath a file", mounting, "MKCOL /f/new", nil, "", 409, "no directory", nil},
	{"of a name that exists", mounting, "MKCOL /d", nil, "", 405, "already", nil},
	{"of a hidden name", mounting, "MKCOL /.new", nil, "", 403, "served here", nil},
	{"of the name of an unfinished upload", mounting, "MKCOL /.new.sluice-part", nil, "", 403, "served here", nil},
	{"with a body", mounting, "MKCOL /new", nil, "<x/>", 415, "MKCOL with a body", nil},

	{"a file is copied", mounting, "COPY /f", []string{"Destination", "/copy"}, "", 201, "", map[string]string{"copy": "old", "f": "old"}},
	{"over another one", mounting, "COPY /f", []string{"Destination", "/g"}, "", 204, "", map[string]string{"g": "old"}},
	{"but not if that is refused", mounting, "COPY /f", []string{"Destination", "/g", "Overwrite", "F"}, "", 412, "exists already", map[string]string{"g": "other"}},
	{"nor without the right", mounting &^ httpd.Change, "COPY /f", []string{"Destination", "/g"}, "", 403, `"change"`, map[string]string{"g": "other"}},
	{"a new name needs another right", mounting &^ httpd.Create, "COPY /f", []string{"Destination", "/new"}, "", 403, `"create"`, map[string]string{"new": "-"}},
	{"to a missing directory", mounting, "COPY /f", []string{"Destination", "/x/y"}, "", 409, "no directory", nil},
	{"to a hidden name", mounting, "COPY /f", []string{"Destination", "/.f"}, "", 403, "served here", nil},
	{"of a hidden file", mounting, "COPY /.hidden", []string{"Destination", "/shown"}, "", 404, "", map[string]string{"shown": "-"}},
	{"to itself", mounting, "COPY /f", []string{"Destination", "/f"}, "", 403, "the same", map[string]string{"f": "old"}},
	{"without Destination", mounting, "COPY /f", nil, "", 400, "Destination", nil},
	{"with a wrong Overwrite", mounting, "COPY /f", []string{"Destination", "/new", "Overwrite", "yes"}, "", 400, "Overwrite", map[string]string{"new": "-"}},
	{"if the file is another one", mounting, "COPY /f", []string{"Destination", "/new", "If-Match", `"x"`}, "", 412, "", map[string]string{"new": "-"}},
	{"a directory is copied", mounting, "COPY /d", []string{"Destination", "/new/"}, "", 201, "", map[string]string{"new/a": "a", "new/sub/b": "b", "d/a": "a"}},
	{"alone", mounting, "COPY /d/", []string{"Destination", "/new", "Depth", "0"}, "", 201, "", map[string]string{"new/a": "-"}},
	{"at another depth", mounting, "COPY /d/", []string{"Destination", "/new", "Depth", "1"}, "", 400, "Depth", nil},
	{"over another one, of which nothing stays", mounting, "COPY /d/", []string{"Destination", "/e"}, "", 204, "", map[string]string{"e/a": "a", "e/c": "-"}},
	{"which needs the right to remove that", mounting &^ httpd.Delete, "COPY /d/", []string{"Destination", "/e"}, "", 403, `"delete"`, map[string]string{"e/c": "c", "e/a": "-"}},
	{"and that all of it is visible", mounting, "COPY /d/", []string{"Destination", "/h"}, "", 409, "cannot see", map[string]string{"h/.x": "x", "h/y": "y"}},
	{"into itself", mounting, "COPY /d/", []string{"Destination", "/d/sub/new"}, "", 403, "itself", nil},
	{"over a directory above it", mounting, "COPY /d/sub", []string{"Destination", "/d"}, "", 403, "above", map[string]string{"d/a": "a"}},
	{"over everything", mounting, "COPY /d/", []string{"Destination", "/"}, "", 403, "top directory", nil},
	{"without what is hidden", mounting, "COPY /h", []string{"Destination", "/new"}, "", 201, "", map[string]string{"new/y": "y", "new/.x": "-"}},

	{"a file is moved", mounting, "MOVE /f", []string{"Destination", "/new"}, "", 201, "", map[string]string{"f": "-", "new": "old"}},
	{"over another one", mounting, "MOVE /f", []string{"Destination", "/g", "Overwrite", "T"}, "", 204, "", map[string]string{"f": "-", "g": "old"}},
	{"but not if that is refused", mounting, "MOVE /f", []string{"Destination", "/g", "Overwrite", "F"}, "", 412, "", map[string]string{"f": "old", "g": "other"}},
	{"nor without the right", mounting &^ httpd.Change, "MOVE /f", []string{"Destination", "/g"}, "", 403, `"change"`, map[string]string{"f": "old", "g": "other"}},
	{"which needs the right to rename", writing, "MOVE /f", []string{"Destination", "/new"}, "", 403, `"rename"`, map[string]string{"f": "old"}},
	{"a directory is moved", mounting, "MOVE /d/", []string{"Destination", "/new/"}, "", 201, "", map[string]string{"new/sub/b": "b", "d/a": "-"}},
	{"over another one", mounting, "MOVE /d", []string{"Destination", "/e"}, "", 204, "", map[string]string{"e/a": "a", "e/c": "-", "d/a": "-"}},
	{"over a file", mounting, "MOVE /d", []string{"Destination", "/f"}, "", 204, "", map[string]string{"f/a": "a"}},
	{"a file over a directory", mounting, "MOVE /f", []string{"Destination", "/d/"}, "", 204, "", map[string]string{"d": "old"}},
	{"at another depth", mounting, "MOVE /d", []string{"Destination", "/new", "Depth", "0"}, "", 400, "Depth", nil},
	{"all of it", mounting, "MOVE /", []string{"Destination", "/new"}, "", 403, "", nil},
	{"into itself", mounting, "MOVE /d", []string{"Destination", "/d/sub/x"}, "", 403, "itself", map[string]string{"d/a": "a"}},

	{"a directory is removed with all in it", mounting, "DELETE /d/", nil, "", 204, "", map[string]string{"d/a": "-", "d/sub/b": "-"}},
	{"but not alone", mounting, "DELETE /d/", []string{"Depth", "0"}, "", 400, "Depth", map[string]string{"d/a": "a"}},
	{"nor if it has hidden files, of which what is visible goes", mounting, "DELETE /h", nil, "", 409, "cannot see", map[string]string{"h/.x": "x", "h/y": "-"}},
	{"nor the top directory", mounting, "DELETE /", nil, "", 403, "top", nil},
	{"without the right", mounting &^ httpd.Delete, "DELETE /d", nil, "", 405, "", map[string]string{"d/a": "a"}},

	{"the properties of all directories", mounting, "PROPFIND /", nil, "", 403, "propfind-finite-depth", nil},
	{"of a file at any depth", mounting, "PROPFIND /f", nil, "", 207, "getetag", nil},
	{"of a directory", mounting, "PROPFIND /", []string{"Depth", "1"}, "", 207, "<D:href>/d/</D:href>", nil},
	{"of a hidden file", mounting, "PROPFIND /.hidden", []string{"Depth", "0"}, "", 404, "", nil},
	{"of a file with a slash", mounting, "PROPFIND /f/", []string{"Depth", "0"}, "", 404, "", nil},
	{"of nothing", mounting, "PROPFIND /nothing", []string{"Depth", "0"}, "", 404, "", nil},
	{"with a body that is no XML", mounting, "PROPFIND /f", nil, "hello", 400, "malformed", nil},
	{"with a very long body", mounting, "PROPFIND /f", nil, strings.Repeat(" ", 300<<10), 413, "", nil},
	{"at an unknown depth", mounting, "PROPFIND /f", []string{"Depth", "2"}, "", 400, "Depth", nil},
	{"without the right to change", 0, "PROPFIND /f", []string{"Depth", "0"}, "", 207, "getetag", nil},

	{"properties of the server are protected, and the others not set", mounting, "PROPPATCH /f", nil, noExecute, 207, "424 Failed Dependency", nil},
	{"without the right", mounting &^ httpd.Change, "PROPPATCH /f", nil, noExecute, 403, `"change"`, nil},
	{"of nothing", mounting, "PROPPATCH /nothing", nil, noExecute, 404, "", nil},

	{"a lock makes an empty file", mounting, "LOCK /new", nil, lockBody, 201, "urn:uuid:", map[string]string{"new": ""}},
	{"but not without its directory", mounting, "LOCK /x/new", nil, lockBody, 409, "", nil},
	{"nor without the right", mounting &^ httpd.Create, "LOCK /new", nil, lockBody, 403, `"create"`, map[string]string{"new": "-"}},
	{"of a hidden name", mounting, "LOCK /.new", nil, lockBody, 403, "", nil},
	{"of a file that may not be changed", mounting &^ httpd.Change, "LOCK /f", nil, lockBody, 403, `"change"`, nil},
	{"nor of everything, which would keep out others", httpd.Create, "LOCK /", nil, lockBody, 403, `"change"`, nil},
	{"at depth 1", mounting, "LOCK /d", []string{"Depth", "1"}, lockBody, 400, "Depth", nil},
	{"of another kind", mounting, "LOCK /f", nil, "<x/>", 400, "malformed", nil},
	{"refreshing no lock", mounting, "LOCK /f", []string{"If", "(<urn:a>)"}, "", 412, "", nil},
	{"an unknown lock is removed", mounting, "UNLOCK /f", []string{"Lock-Token", "<urn:a>"}, "", 409, "", nil},
	{"nothing is unlocked", mounting, "UNLOCK /f", nil, "", 400, "Lock-Token", nil},

	{"a condition that holds", mounting, "PUT /f", []string{"If", "(Not <DAV:no-lock>)"}, "new", 204, "", map[string]string{"f": "new"}},
	{"a condition that does not hold", mounting, "PUT /f", []string{"If", `(["x"])`}, "new", 412, "", map[string]string{"f": "old"}},
	{"a condition about another host", mounting, "DELETE /f", []string{"If", `<http://elsewhere/f> (Not <urn:x>)`}, "", 412, "", map[string]string{"f": "old"}},
	{"a malformed condition", mounting, "DELETE /f", []string{"If", "("}, "", 400, "If is malformed", map[string]string{"f": "old"}},
	{"a page of another origin", mounting, "MOVE /f", []string{"Destination", "/new", "Sec-Fetch-Site", "cross-site"}, "", 403, "another origin", map[string]string{"f": "old"}},
}

func (test davTest) run(t *testing.T, fsys afero.Fs, wrong wrong) {
	t.Helper()
	url := davServerOf(t, fsys, func(h *httpd.Handler) { h.Write = test.rights })
	method, path, _ := strings.Cut(test.request, " ")
	resp, body := dav(t, method, url+path, test.body, test.header...)
	if resp.StatusCode != test.status || !strings.Contains(body, test.answer) {
		wrong("%d %q, want %d and %q", resp.StatusCode, body, test.status, test.answer)
	}
	for name, want := range test.want {
		if got := contentOf(t, fsys, "/"+name); got != want {
			wrong("%s is %q now, want %q", name, got, want)
		}
	}
	wantNoRemains(t, fsys, "/")
}

func TestRequestsOfWebDAV(t *testing.T) {
	needsRemoval(t)
	for _, test := range davTests {
		t.Run(test.request+" "+test.name, func(t *testing.T) {
			root, _ := writable(t, davFiles)
			test.run(t, root, t.Errorf)
		})
	}
}

func TestWithoutWebDAVItsMethodsDoNothing(t *testing.T) {
	needsRemoval(t)
	url, root := davServer(t, map[string]string{"f": "old", "d/a": "a"}, func(h *httpd.Handler) { h.WebDAV = false })
	for _, method := range []string{"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK"} {
		if resp, _ := dav(t, method, url+"/f", "", "Destination", "/new"); resp.StatusCode != 405 {
			t.Errorf("%s: %d, want 405", method, resp.StatusCode)
		}
	}
	if resp, _ := dav(t, "DELETE", url+"/d", ""); resp.StatusCode != 409 || contentOf(t, root, "/d/a") != "a" {
		t.Errorf("DELETE of a directory that is not empty: %d, want 409", resp.StatusCode)
	}
	resp, _ := dav(t, "OPTIONS", url+"/", "")
	if resp.Header.Get("Dav") != "" || strings.Contains(resp.Header.Get("Allow"), "PROPFIND") {
		t.Errorf("OPTIONS announces WebDAV: %v", resp.Header)
	}
}

func TestOptionsAnnounceWebDAV(t *testing.T) {
	tests := []struct {
		name       string
		change     func(h *httpd.Handler)
		dav, allow string
	}{
		{"all rights", nil, "1, 2, <http://apache.org/dav/propset/fs/1>", "GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE, PROPFIND, PROPPATCH, MKCOL, COPY, MOVE, LOCK, UNLOCK"},
		{"only reading", func(h *httpd.Handler) { h.Write = 0 }, "1", "GET, HEAD, OPTIONS, PROPFIND"},
		{"a drop box and rights at a path", func(h *httpd.Handler) {
			h.Paths = pathsOf(t, httpd.PathRights{Path: "/", Rights: readOnly}, httpd.PathRights{Path: "/in", Rights: httpd.Create}, httpd.PathRights{Path: "/d", Rights: readOnly | httpd.Change})
		}, "1, 2, <http://apache.org/dav/propset/fs/1>", "GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE, PROPFIND, PROPPATCH, LOCK, UNLOCK"},
		{"no listings", func(h *httpd.Handler) { h.Write, h.NoListing = httpd.Create, true }, "1, 2, <http://apache.org/dav/propset/fs/1>", "GET, HEAD, OPTIONS, PUT, POST, PATCH, MKCOL, COPY, LOCK, UNLOCK"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			url, _ := davServer(t, nil, test.change)
			resp, _ := dav(t, "OPTIONS", url+"/", "")
			if resp.Header.Get("Dav") != test.dav || resp.Header.Get("Allow") != test.allow || resp.Header.Get("Ms-Author-Via") != "DAV" {
				t.Errorf("%v", resp.Header)
			}
		})
	}
}

func TestPropfindSaysTheSameAsGet(t *testing.T) {
	url, _ := davServer(t, map[string]string{"a b#%é.txt": "hello", "d/": ""}, nil)
	_, list := dav(t, "PROPFIND", url+"/", "", "Depth", "1")
	const path = "/a%20b%23%25%C3%A9.txt"
	if !strings.Contains(list, "<D:href>"+path+"</D:href>") {
		t.Fatalf("the file is not listed:\n%s", list)
	}
	resp, err := http.Get(url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for property, want := range map[string]string{
		"getetag": strings.ReplaceAll(resp.Header.Get("Etag"), `"`, "&#34;"), "getcontenttype": strings.TrimSuffix(resp.Header.Get("Content-Type"), "; charset=utf-8"), // no file is opened for it
		"getlastmodified": resp.Header.Get("Last-Modified"), "getcontentlength": strconv.FormatInt(resp.ContentLength, 10),
	} {
		if !strings.Contains(list, "<D:"+property+">"+want+"</D:"+property+">") || want == "" {
			t.Errorf("%s is not %q:\n%s", property, want, list)
		}
	}
}

// countingFS counts the files that are opened.
type countingFS struct {
	afero.Fs
	files atomic.Int64
}

func (c *countingFS) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	f, err := c.Fs.OpenFile(name, flag, perm)
	if err == nil {
		if info, statErr := f.Stat(); statErr == nil && !info.IsDir() {
			c.files.Add(1)
		}
	}
	return f, err
}

func (c *countingFS) Open(name string) (afero.File, error) { return c.OpenFile(name, os.O_RDONLY, 0) }

func TestPropfindOpensNoFile(t *testing.T) {
	mem := &countingFS{Fs: afero.NewMemMapFs()}
	for i := range 100 {
		if err := afero.WriteFile(mem.Fs, fmt.Sprintf("/f%d", i), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	url, _ := davServer(t, nil, func(h *httpd.Handler) { h.FS = mem })
	const unknown = `<propfind xmlns="DAV:"><prop><getetag/><a xmlns="b:"/></prop></propfind>`
	for _, body := range []string{"", unknown} {
		resp, list := dav(t, "PROPFIND", url+"/", body, "Depth", "1")
		if n := strings.Count(list, "<D:response>"); resp.StatusCode != 207 || n != 101 {
			t.Errorf("%d with %d responses, want 207 with 101", resp.StatusCode, n)
		}
	}
	if n := mem.files.Load(); n != 0 {
		t.Errorf("%d files were opened", n)
	}
}

func TestLocksHoldAgainstOthersAndNotTheirOwner(t *testing.T) {
	needsRemoval(t)
	url, root := davServer(t, map[string]string{"f": "old", "d/a": "a", "g": "g"}, nil)
	bob := httptest.NewServer(&httpd.Handler{FS: root, Write: mounting, User: "bob", WebDAV: true})
	t.Cleanup(bob.Close)
	plain := httptest.NewServer(&httpd.Handler{FS: root, Write: mounting}) // without WebDAV
	t.Cleanup(plain.Close)
	resp, body := dav(t, "LOCK", url+"/f", lockBody, "Timeout", "Second-600")
	token := resp.Header.Get("Lock-Token")
	if resp.StatusCode != 200 || !strings.HasPrefix(token, "<urn:uuid:") || !strings.Contains(body, "mailto:alice") {
		t.Fatalf("LOCK: %d %v\n%s", resp.StatusCode, resp.Header, body)
	}
	refused := func(name, method, url string, header ...string) {
		t.Helper()
		if resp, body := dav(t, method, url, "new", header...); resp.StatusCode != 423 {
			t.Errorf("%s: %s is answered %d %q, want 423", name, method, resp.StatusCode, body)
		}
	}
	withToken := []string{"If", "(" + token + ")"}
	for _, base := range []string{url, bob.URL, plain.URL} {
		for _, method := range []string{"PUT", "DELETE"} {
			refused(base, method, base+"/f")
		}
	}
	for _, base := range []string{url, bob.URL} {
		refused(base, "MOVE", base+"/f", "Destination", "/new")
		refused(base, "MOVE", base+"/g", "Destination", "/f")
		refused(base, "COPY", base+"/g", "Destination", "/f")
	}
	if resp, _ := dav(t, "LOCK", bob.URL+"/f", lockBody); resp.StatusCode != 423 {
		t.Errorf("bob locks it too: %d", resp.StatusCode)
	}
	if resp, _ := dav(t, "PUT", bob.URL+"/f", "new", withToken...); resp.StatusCode != 412 {
		t.Errorf("bob uses the token of alice: %d, want 412", resp.StatusCode)
	}
	if resp, _ := dav(t, "UNLOCK", bob.URL+"/f", "", "Lock-Token", token); resp.StatusCode != 409 {
		t.Errorf("bob removes the lock of alice: %d, want 409", resp.StatusCode)
	}
	_, own := dav(t, "PROPFIND", url+"/f", "", "Depth", "0")
	_, others := dav(t, "PROPFIND", bob.URL+"/f", "", "Depth", "0")
	for _, secret := range []string{"urn:uuid:", "mailto:alice", "lockroot"} {
		if !strings.Contains(own, secret) || strings.Contains(others, secret) {
			t.Errorf("%s must be shown to alice alone:\n%s\n%s", secret, own, others)
		}
	}
	if !strings.Contains(others, "<D:activelock>") {
		t.Error("bob does not see that there is a lock")
	}
	if _, body := dav(t, "PUT", bob.URL+"/f", "new"); !strings.Contains(body, "Another user") {
		t.Errorf("bob reads %q", body)
	}
	if _, body := dav(t, "PUT", url+"/f", "new"); !strings.Contains(body, "your account") {
		t.Errorf("alice reads %q", body)
	}
	if got := contentOf(t, root, "/f"); got != "old" {
		t.Errorf("the file is %q", got)
	}

	if resp, _ := dav(t, "LOCK", url+"/f", "", append(withToken, "Timeout", "Second-60")...); resp.StatusCode != 200 {
		t.Errorf("refreshing: %d", resp.StatusCode)
	}
	if resp, _ := dav(t, "PUT", url+"/f", "new", withToken...); resp.StatusCode != 204 || contentOf(t, root, "/f") != "new" {
		t.Errorf("PUT with the token: %d", resp.StatusCode)
	}
	if resp, _ := dav(t, "UNLOCK", url+"/f", "", "Lock-Token", token); resp.StatusCode != 204 {
		t.Errorf("UNLOCK: %d", resp.StatusCode)
	}
	if resp, _ := dav(t, "PUT", bob.URL+"/f", "bob"); resp.StatusCode != 204 {
		t.Errorf("PUT after UNLOCK: %d", resp.StatusCode)
	}

	resp, _ = dav(t, "LOCK", url+"/d/a", lockBody)
	if resp, body := dav(t, "DELETE", bob.URL+"/d", ""); resp.StatusCode != 207 || !strings.Contains(body, "423 Locked") || !strings.Contains(body, "/d/a") {
		t.Errorf("DELETE of a directory with a locked file: %d\n%s", resp.StatusCode, body)
	}
	if resp, _ := dav(t, "UNLOCK", url+"/d/a", "", "Lock-Token", resp.Header.Get("Lock-Token")); resp.StatusCode != 204 {
		t.Errorf("UNLOCK: %d", resp.StatusCode)
	}
}

func TestDestinations(t *testing.T) {
	needsRemoval(t)
	url, root := davServer(t, map[string]string{"f": "old"}, nil)
	host := strings.TrimPrefix(url, "http://")
	for _, test := range []struct {
		destination string
		header      []string
		status      int
		name        string // of the copy
	}{
		{url + "/a%20b", nil, 201, "/a b"},
		{"https://" + host + "/tls", nil, 201, "/tls"}, // behind a proxy that ends TLS
		{"//" + host + "/relative", nil, 201, "/relative"},
		{"/../up/../x/..//y", nil, 201, "/y"},
		{"/%2e%2e/z", nil, 201, "/z"},
		{"http://elsewhere/f2", nil, 502, ""},
		{"http://proxy.example/f2", []string{"X-Forwarded-Host", "proxy.example"}, 502, ""}, // the proxy is not trusted
		{"ftp://" + host + "/f2", nil, 400, ""},
		{"http://u:p@" + host + "/f2", nil, 400, ""},
		{"f2", nil, 400, ""},
		{"/f2?x", nil, 400, ""},
		{"/%zz", nil, 400, ""},
		{"/%00", nil, 400, ""},
		{"", nil, 400, ""},
	} {
		resp, body := dav(t, "COPY", url+"/f", "", append(test.header, "Destination", test.destination)...)
		if resp.StatusCode != test.status {
			t.Errorf("%q: %d %q, want %d", test.destination, resp.StatusCode, body, test.status)
		}
		if test.name != "" && contentOf(t, root, test.name) != "old" {
			t.Errorf("%q: there is no %s", test.destination, test.name)
		}
	}
}

func TestBehindAPrefixOfAnotherMux(t *testing.T) {
	needsRemoval(t)
	root, _ := writable(t, map[string]string{"d/f": "old"})
	server := httptest.NewServer(http.StripPrefix("/files x", &httpd.Handler{FS: root, Write: mounting, WebDAV: true}))
	t.Cleanup(server.Close)
	_, list := dav(t, "PROPFIND", server.URL+"/files%20x/d/", "", "Depth", "1")
	for _, href := range []string{"/files%20x/d/", "/files%20x/d/f"} {
		if !strings.Contains(list, "<D:href>"+href+"</D:href>") {
			t.Errorf("no %s:\n%s", href, list)
		}
	}
	if resp, _ := dav(t, "MOVE", server.URL+"/files%20x/d/f", "", "Destination", server.URL+"/files%20x/g"); resp.StatusCode != 201 || contentOf(t, root, "/g") != "old" {
		t.Errorf("MOVE: %d", resp.StatusCode)
	}
	if resp, _ := dav(t, "MOVE", server.URL+"/files%20x/g", "", "Destination", server.URL+"/elsewhere/g"); resp.StatusCode != 502 || contentOf(t, root, "/g") != "old" {
		t.Errorf("MOVE out of the prefix: %d, want 502", resp.StatusCode)
	}
}

// renameFails is a file system in which nothing gets the name /dest.
type renameFails struct{ afero.Fs }

func (r renameFails) Rename(from, to string) error {
	if to == "/dest" && !strings.HasSuffix(from, ".sluice-part") {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: os.ErrPermission}
	}
	return r.Fs.Rename(from, to)
}

func TestAMoveThatFailsLeavesTheOldDirectory(t *testing.T) {
	mem := renameFails{afero.NewMemMapFs()}
	fill(t, mem, map[string]string{"src/new": "new", "dest/old": "old"})
	url, _ := davServer(t, nil, func(h *httpd.Handler) { h.FS = mem })
	if resp, _ := dav(t, "MOVE", url+"/src", "", "Destination", "/dest"); resp.StatusCode != 403 {
		t.Errorf("%d, want 403", resp.StatusCode)
	}
	if contentOf(t, mem, "/dest/old") != "old" || contentOf(t, mem, "/src/new") != "new" {
		t.Error("a file is gone")
	}
	wantNoRemains(t, mem, "/")
}

func TestPropertiesStayWithTheFile(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("properties are stored on Linux only")
	}
	url, _ := davServer(t, map[string]string{"f": "old", "d/x": "x"}, nil)
	set := func(path, value string) string {
		_, body := dav(t, "PROPPATCH", url+path, `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><c:color xmlns:c="c:">`+value+`</c:color></D:prop></D:set></D:propertyupdate>`)
		return body
	}
	get := func(path string) string {
		_, body := dav(t, "PROPFIND", url+path, `<D:propfind xmlns:D="DAV:"><D:prop><c:color xmlns:c="c:"/></D:prop></D:propfind>`, "Depth", "0")
		return body
	}
	const red = `<color xmlns="c:">red<b xmlns="c:"></b></color>`
	if body := set("/f", "red<c:b/>"); strings.Contains(body, "403 Forbidden") {
		t.Skip("this file system has no extended attributes of users")
	} else if !strings.Contains(body, "200 OK") {
		t.Fatal(body)
	}
	set("/d", "red<c:b/>")
	for _, step := range []struct{ method, path, to string }{
		{"PROPFIND", "/f", ""},
		{"COPY", "/f", "/copy"},
		{"MOVE", "/f", "/moved"},
		{"COPY", "/d", "/e"},
		{"PUT", "/moved", ""},
	} {
		if resp, body := dav(t, step.method, url+step.path, "", "Destination", step.to, "Depth", map[bool]string{true: "0", false: "infinity"}[step.method == "PROPFIND"]); resp.StatusCode >= 400 {
			t.Fatalf("%s %s: %d %s", step.method, step.path, resp.StatusCode, body)
		}
		at := step.path
		if step.to != "" {
			at = step.to
		}
		if body := get(at); !strings.Contains(body, red) {
			t.Errorf("after %s of %s the property is missing:\n%s", step.method, step.path, body)
		}
	}
	if body := set("/copy", strings.Repeat("x", 100<<10)); !strings.Contains(body, "507 Insufficient Storage") {
		t.Errorf("a very long value:\n%s", body)
	}
	if body := get("/copy"); !strings.Contains(body, red) {
		t.Errorf("after a failure the old value is gone:\n%s", body)
	}
	const swap = `<D:propertyupdate xmlns:D="DAV:"><D:remove><D:prop><c:color xmlns:c="c:"/></D:prop></D:remove></D:propertyupdate>`
	if _, body := dav(t, "PROPPATCH", url+"/copy", swap); !strings.Contains(body, "200 OK") || !strings.Contains(get("/copy"), "404 Not Found") {
		t.Errorf("removing it:\n%s\n%s", body, get("/copy"))
	}
	if resp, err := http.Get(url + "/copy"); err != nil || strings.Contains(fmt.Sprint(resp.Header), "red") {
		t.Errorf("GET shows a property: %v (%v)", resp, err)
	} else {
		_ = resp.Body.Close()
	}
}

// TestRequestsOfClients sends what the clients of two systems send for a new file.
func TestRequestsOfClients(t *testing.T) {
	needsRemoval(t)
	const times = `<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>` +
		`<Z:Win32CreationTime>Wed, 01 Jan 2020 00:00:00 GMT</Z:Win32CreationTime><Z:Win32LastAccessTime>Wed, 01 Jan 2020 00:00:00 GMT</Z:Win32LastAccessTime>` +
		`<Z:Win32LastModifiedTime>Wed, 01 Jan 2020 00:00:00 GMT</Z:Win32LastModifiedTime><Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>`
	const finderFind = `<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:getlastmodified/><D:getcontentlength/><D:creationdate/><D:resourcetype/></D:prop></D:propfind>`
	type step struct {
		request string
		header  []string
		body    string
		status  int
	}
	tests := []struct {
		client string
		steps  []step // TOKEN is that of the last lock
	}{
		{"Finder", []step{
			{"OPTIONS /", nil, "", 200},
			{"PROPFIND /", []string{"Depth", "0"}, finderFind, 207},
			{"PROPFIND /", []string{"Depth", "1"}, finderFind, 207},
			{"PROPFIND /doc.txt", []string{"Depth", "0"}, finderFind, 404},
			{"PUT /doc.txt", nil, "", 201},
			{"LOCK /doc.txt", []string{"Depth", "0", "Timeout", "Second-600"}, lockBody, 200},
			{"PUT /doc.txt", []string{"If", "(<TOKEN>)"}, "hello", 204},
			{"PROPFIND /doc.txt", []string{"Depth", "0"}, finderFind, 207},
			{"PROPPATCH /doc.txt", []string{"If", "(<TOKEN>)"}, times, 207},
			{"UNLOCK /doc.txt", []string{"Lock-Token", "<TOKEN>"}, "", 204},
			{"PUT /._doc.txt", nil, "resource fork", 201},
			{"DELETE /._doc.txt", nil, "", 204},
		}},
		{"Explorer", []step{
			{"OPTIONS /", []string{"Translate", "f"}, "", 200},
			{"PROPFIND /", []string{"Depth", "0", "Translate", "f"}, "", 207},
			{"PROPFIND /", []string{"Depth", "1", "Translate", "f"}, "", 207},
			{"PROPFIND /desktop.ini", []string{"Depth", "0"}, "", 404},
			{"MKCOL /New%20folder", []string{"Translate", "f"}, "", 201},
			{"MOVE /New%20folder", []string{"Destination", "/docs", "Overwrite", "F", "Translate", "f"}, "", 201},
			{"PUT /doc.txt", nil, "", 201},
			{"LOCK /doc.txt", []string{"Timeout", "Second-3600"}, strings.Replace(lockBody, "mailto:alice", `HOST\alice`, 1), 200},
			{"PROPPATCH /doc.txt", []string{"If", "(<TOKEN>)"}, times, 207},
			{"HEAD /doc.txt", []string{"Translate", "f"}, "", 200},
			{"PUT /doc.txt", []string{"If", "(<TOKEN>)"}, "hello", 204},
			{"PROPPATCH /doc.txt", []string{"If", "(<TOKEN>)"}, times, 207},
			{"UNLOCK /doc.txt", []string{"Lock-Token", "<TOKEN>"}, "", 204},
			{"MOVE /doc.txt", []string{"Destination", "/docs/doc.txt", "Overwrite", "F"}, "", 201},
			{"COPY /docs/doc.txt", []string{"Destination", "/doc.txt"}, "", 201},
			{"DELETE /docs", nil, "", 204},
		}},
	}
	for _, test := range tests {
		t.Run(test.client, func(t *testing.T) {
			url, root := davServer(t, nil, func(h *httpd.Handler) { h.ShowHidden = true })
			token := ""
			for _, s := range test.steps {
				method, path, _ := strings.Cut(s.request, " ")
				header := slices.Clone(s.header)
				for i := range header {
					header[i] = strings.ReplaceAll(header[i], "<TOKEN>", token)
				}
				resp, body := dav(t, method, url+path, s.body, header...)
				if resp.StatusCode != s.status || method == "PROPPATCH" && strings.Contains(body, "HTTP/1.1 4") {
					t.Fatalf("%s: %d %s, want %d", s.request, resp.StatusCode, body, s.status)
				}
				if method == "LOCK" {
					token = resp.Header.Get("Lock-Token")
				}
			}
			info, err := root.Stat("/doc.txt")
			if err != nil || info.Size() != 5 || info.ModTime().UTC().Format("2006-01-02") != "2020-01-01" {
				t.Errorf("the file is %v (%v)", info, err)
			}
		})
	}
}

func TestCopiesFollowNoLinksOutNorInCircles(t *testing.T) {
	if nettest.OnWine() || runtime.GOOS == "windows" {
		t.Skip("links need a privilege")
	}
	root, dir := writable(t, map[string]string{"d/f": "old", "target": "linked"})
	outside := filepath.Join(nettest.TempDir(t), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"d/loop": "../d", "d/out": outside, "d/in": "../target"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	h := &httpd.Handler{FS: root, Write: mounting, WebDAV: true}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	if resp, body := dav(t, "COPY", server.URL+"/d", "", "Destination", "/e"); resp.StatusCode != 201 {
		t.Errorf("COPY: %d %s", resp.StatusCode, body)
	}
	if err := os.Symlink("d/sub", filepath.Join(dir, "into")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "d", "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"COPY", "MOVE"} { // by the link it is in itself
		if resp, body := dav(t, method, server.URL+"/d", "", "Destination", "/into/x"); resp.StatusCode != 403 || !strings.Contains(body, "in the directory itself") {
			t.Errorf("%s into itself: %d %s", method, resp.StatusCode, body)
		}
	}
	for name, want := range map[string]string{"/e/f": "old", "/e/in": "linked", "/e/out": "-", "/e/loop/f": "-"} {
		if got := contentOf(t, root, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestGuestsAreAskedForAPasswordToChangeFilesByWebDAV(t *testing.T) {
	needsRemoval(t)
	root, _ := writable(t, map[string]string{"f": "old"})
	users := accounts{
		"alice": {FS: root, Rights: readOnly | mounting}, "carol": {FS: root, Rights: readOnly}, "dave": {FS: root, Rights: httpd.Read | mounting},
	}
	s := serveUsers(t, users, func(srv *httpd.Server) {
		handler(srv).WebDAV = true
		srv.Accounts = &httpd.Handler{Write: mounting, WebDAV: true}
	})
	for _, test := range []struct {
		user, request string
		header        []string
		status        int
	}{
		{"", "PROPFIND /f.txt", []string{"Depth", "0"}, 207},
		{"", "MKCOL /new", nil, 401},
		{"", "LOCK /f", nil, 401},
		{"", "OPTIONS /", nil, 200},
		{"carol", "PROPFIND /f", []string{"Depth", "0"}, 207},
		{"carol", "MKCOL /new", nil, 405},
		{"dave", "PROPFIND /", []string{"Depth", "1"}, 403}, // without the right to list
		{"dave", "MKCOL /by-dave", nil, 201},
		{"alice", "MKCOL /new", nil, 201},
		{"alice", "MOVE /f", []string{"Destination", "/g"}, 201},
	} {
		method, path, _ := strings.Cut(test.request, " ")
		header := test.header
		if test.user != "" {
			header = append(header, "Authorization", basic(test.user, "secret of "+test.user).Get("Authorization"))
		}
		resp, body := dav(t, method, s.url+path, "", header...)
		if resp.StatusCode != test.status {
			t.Errorf("%s by %q: %d %s, want %d", test.request, test.user, resp.StatusCode, body, test.status)
		}
		if test.status == 401 && resp.Header.Get("Www-Authenticate") == "" {
			t.Errorf("%s does not challenge the client", test.request)
		}
		if method == "OPTIONS" && !strings.HasPrefix(resp.Header.Get("Dav"), "1, 2") {
			t.Errorf("a guest who may log in reads %v", resp.Header)
		}
	}
}

func TestChangesByWebDAVAreRecorded(t *testing.T) {
	needsRemoval(t)
	root, _ := writable(t, map[string]string{"f": "old"})
	var all []httpd.Transfer
	url, _ := davServer(t, nil, func(h *httpd.Handler) {
		h.FS, h.OnTransfer = root, func(rec httpd.Transfer) { all = append(all, rec) }
	})
	dav(t, "MKCOL", url+"/d", "")
	dav(t, "MOVE", url+"/f", "", "Destination", url+"/d/g")
	if len(all) != 2 || all[0].Op != "MKCOL" || all[0].Path != "/d" || all[0].User != "alice" || all[0].Status != 201 ||
		all[1].Path != "/f" || all[1].NewPath != "/d/g" {
		t.Errorf("%+v", all)
	}
}

func TestDestinationBehindAProxy(t *testing.T) {
	needsRemoval(t)
	for _, trusted := range []bool{false, true} {
		root, _ := writable(t, map[string]string{"f": "old"})
		s := serve(t, func(srv *httpd.Server) {
			srv.Handler = &httpd.Handler{FS: root, Write: mounting, WebDAV: true}
			if trusted {
				srv.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			}
		})
		want := map[bool]int{false: 502, true: 201}[trusted]
		resp, body := dav(t, "COPY", s.url+"/f", "", "Destination", "https://public.example/g", "X-Forwarded-Host", "client.example, public.example")
		if resp.StatusCode != want {
			t.Errorf("trusted %v: %d %s, want %d", trusted, resp.StatusCode, body, want)
		}
		if resp, _ := dav(t, "COPY", s.url+"/f", "", "Destination", "https://client.example/h", "X-Forwarded-Host", "client.example, public.example"); resp.StatusCode != 502 {
			t.Errorf("trusted %v: a host that the client has forged: %d, want 502", trusted, resp.StatusCode)
		}
	}
}

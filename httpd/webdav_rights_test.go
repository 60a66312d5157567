package httpd_test

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"sluice/httpd"
)

const setColor = `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><c:color xmlns:c="c:">red</c:color></D:prop></D:set></D:propertyupdate>`

func pathsOf(t *testing.T, all ...httpd.PathRights) *httpd.Paths {
	t.Helper()
	p, err := httpd.NewPaths(all...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// treeOf describes all files in a directory.
func treeOf(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		content := ""
		if e.Type().IsRegular() {
			b, _ := os.ReadFile(name)
			content = string(b)
		}
		_, err = fmt.Fprintln(&all, strings.TrimPrefix(name, dir), e.Type(), content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// A name that may be neither listed nor read is absent in every method, as target and as destination, whatever is there,
// and also if others have locked it.
func TestByWebDAVPathsWithoutRightsAreNowhere(t *testing.T) {
	all := mounting | readOnly
	url, dir := withPaths(t, &httpd.Handler{Write: mounting, WebDAV: true, User: "alice"},
		map[string]httpd.Rights{"/": all, "/secret": 0, "/in": httpd.Create, "/in/passed/open": all},
		map[string]string{"f": "f", "d/g": "g", "secret/x": "x", "secret/dir/y": "y", "secret/locked": "l", "in/x": "x", "in/dir/y": "y", "in/locked": "l"})
	if err := os.Symlink(filepath.FromSlash("secret/x"), filepath.Join(dir, "link")); err != nil {
		t.Log("no links here:", err)
	}
	other := httptest.NewServer(&httpd.Handler{FS: httpdDir(t, dir).Writable(), Write: mounting, WebDAV: true, User: "bob"})
	t.Cleanup(other.Close)
	for _, name := range []string{"/secret/locked", "/in/locked"} {
		if resp, body := dav(t, "LOCK", other.URL+name, lockBody); resp.StatusCode != 200 {
			t.Fatalf("LOCK: %s %s", resp.Status, body)
		}
	}
	_, list := dav(t, "PROPFIND", url+"/", "", "Depth", "1")
	if strings.Contains(list, "secret") || strings.Contains(list, "link") || !strings.Contains(list, "/in/") {
		t.Errorf("the listing has what is not there for this user, or lacks the drop box:\n%s", list)
	}
	if _, list := dav(t, "PROPFIND", url+"/in", "", "Depth", "1"); strings.Count(list, "<D:response>") != 1 {
		t.Errorf("the listing of the drop box:\n%s", list)
	}
	before := treeOf(t, dir)
	for _, tt := range []struct {
		method, body  string
		isDestination bool
		header        []string
		status        map[string]int // by directory
	}{
		{"PROPFIND", "", false, []string{"Depth", "0"}, map[string]int{"/secret": 404, "/in": 404}},
		{"PROPFIND", "", false, []string{"Depth", "1"}, map[string]int{"/secret": 404, "/in": 404}},
		{"PROPFIND", "", false, []string{"Depth", "infinity"}, map[string]int{"/secret": 404, "/in": 404}},
		{"PROPPATCH", setColor, false, nil, map[string]int{"/secret": 404, "/in": 404}},
		{"MKCOL", "", false, nil, map[string]int{"/secret": 404, "/in": 403}},
		{"LOCK", lockBody, false, nil, map[string]int{"/secret": 404, "/in": 403}},
		{"LOCK", lockBody, false, []string{"Depth", "0"}, map[string]int{"/secret": 404, "/in": 403}},
		{"LOCK", "", false, []string{"If", "(<urn:uuid:x>)"}, map[string]int{"/secret": 404, "/in": 403}},
		{"UNLOCK", "", false, []string{"Lock-Token", "<urn:uuid:x>"}, map[string]int{"/secret": 409, "/in": 409}},
		{"DELETE", "", false, nil, map[string]int{"/secret": 404, "/in": 404}},
		{"COPY", "", false, []string{"Destination", "/new"}, map[string]int{"/secret": 404, "/in": 404}},
		{"MOVE", "", false, []string{"Destination", "/new"}, map[string]int{"/secret": 404, "/in": 404}},
		{"COPY /f", "", true, nil, map[string]int{"/secret": 404, "/in": 403}},
		{"COPY /f", "", true, []string{"Overwrite", "F"}, map[string]int{"/secret": 404, "/in": 403}},
		{"COPY /d", "", true, nil, map[string]int{"/secret": 404, "/in": 403}},
		{"COPY /none", "", true, nil, map[string]int{"/secret": 404, "/in": 403}},
		{"MOVE /f", "", true, nil, map[string]int{"/secret": 404, "/in": 404}},
		{"MOVE /d", "", true, []string{"Overwrite", "F"}, map[string]int{"/secret": 404, "/in": 404}},
		{"PUT", "new", false, []string{"If", `(["x"])`}, map[string]int{"/secret": 412, "/in": 412}},
		{"DELETE", "", false, []string{"If", `(Not ["x"])`}, map[string]int{"/secret": 404, "/in": 404}},
	} {
		for dir, status := range tt.status {
			answer := func(name string) string {
				method, target, _ := strings.Cut(tt.method, " ")
				header := slices.Clone(tt.header)
				if tt.isDestination {
					header = append(header, "Destination", dir+name)
				} else {
					target = dir + name
				}
				resp, body := dav(t, method, url+target, tt.body, header...)
				if resp.StatusCode != status {
					t.Errorf("%s %v of %s: %s %s, want %d", tt.method, tt.header, dir+name, resp.Status, body, status)
				}
				resp.Header.Del("Date")
				return fmt.Sprint(resp.StatusCode, slices.Sorted(maps.Keys(resp.Header)), body)
			}
			none := answer("/none")
			for _, name := range []string{"/x", "/dir", "/locked", "/dir/y", "/none/y"} {
				if got := answer(name); got != none {
					t.Errorf("%s %v of %s: %q, and for a missing name %q", tt.method, tt.header, dir+name, got, none)
				}
			}
		}
	}
	for _, header := range [][]string{{"If", `</secret/x> (Not ["none"])`}, {"If", `</secret/none> (Not ["none"])`}} { // nothing has that tag
		if resp, body := dav(t, "PROPPATCH", url+"/none", setColor, header...); resp.StatusCode != 404 {
			t.Errorf("%v: %s %s", header, resp.Status, body)
		}
	}
	if after := treeOf(t, dir); after != before {
		t.Errorf("the files have changed:\n%s\n%s", before, after)
	}
}

// Whole directories are moved, removed, replaced and locked only with the right for every path in them, and copied as
// far as the client sees them.
func TestByWebDAVADirectoryWithOtherRightsInItIsNotChanged(t *testing.T) {
	needsRemoval(t)
	all := mounting | readOnly
	files := map[string]string{"d/f": "f", "d/secret/x": "x", "d/listed/y": "y", "o/f": "f", "e/secret/z": "z"}
	url, dir := withPaths(t, &httpd.Handler{Write: mounting, WebDAV: true},
		map[string]httpd.Rights{"/": all, "/d/secret": 0, "/d/listed": httpd.List, "/e/secret": 0, "/free/secret": 0, "/box/in": httpd.Create}, files)
	before := treeOf(t, dir)
	for _, tt := range []struct {
		method, target, body string
		header               []string
	}{
		{"DELETE", "/d", "", nil},
		{"DELETE", "/e", "", nil},
		{"MOVE", "/d", "", []string{"Destination", "/new"}},
		{"MOVE", "/o", "", []string{"Destination", "/d"}},
		{"MOVE", "/o", "", []string{"Destination", "/free"}}, // whether it exists or not
		{"COPY", "/o", "", []string{"Destination", "/e"}},
		{"LOCK", "/d", lockBody, nil},
	} {
		resp, body := dav(t, tt.method, url+tt.target, tt.body, tt.header...)
		if resp.StatusCode != 403 || !strings.Contains(body, "other rights") {
			t.Errorf("%s %s %v: %s %q", tt.method, tt.target, tt.header, resp.Status, body)
		}
	}
	if after := treeOf(t, dir); after != before {
		t.Errorf("the files have changed:\n%s\n%s", before, after)
	}
	if resp, _ := dav(t, "LOCK", url+"/d", lockBody, "Depth", "0"); resp.StatusCode != 200 {
		t.Errorf("LOCK of the directory alone: %s", resp.Status)
	}
	resp, body := dav(t, "COPY", url+"/d", "", "Destination", "/copy")
	if resp.StatusCode != 207 || strings.Contains(body, "secret") || !strings.Contains(body, "/copy/listed/<") || !strings.Contains(body, "&#34;read&#34;") {
		t.Errorf("COPY: %s\n%s", resp.Status, body)
	}
	if tree := treeOf(t, filepath.Join(dir, "copy")); strings.Contains(tree, "secret") || !strings.Contains(tree, "f ---------- f") || strings.Contains(tree, "---------- y") {
		t.Errorf("the copy has\n%s", tree)
	}
	if resp, body := dav(t, "COPY", url+"/e", "", "Destination", "/new"); resp.StatusCode != 201 {
		t.Errorf("COPY of a directory that looks empty: %s %s", resp.Status, body)
	}
	for name, content := range map[string]string{"tree/in/x": "x", "tree/secret/x": "x", "tree/ok": "ok"} {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for to, refused := range map[string]string{"/free": "/free/secret", "/box": "/box/in"} {
		resp, body := dav(t, "COPY", url+"/tree", "", "Destination", to)
		if resp.StatusCode != 207 || !strings.Contains(body, "<D:href>"+refused+"/</D:href>") || strings.Count(body, "<D:response>") != 1 {
			t.Errorf("COPY to %s: %s\n%s", to, resp.Status, body)
		}
	}
}

// A user without the right to read does not read the properties that others have stored with a file.
func TestStoredPropertiesNeedTheRightToRead(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("properties are stored on Linux only")
	}
	url, dir := withPaths(t, &httpd.Handler{Write: mounting, WebDAV: true},
		map[string]httpd.Rights{"/": mounting | readOnly, "/listed": httpd.List | httpd.Change}, map[string]string{"f": "f", "listed/f": "f"})
	for name, want := range map[string]bool{"/f": true, "/listed/f": false} {
		if _, body := dav(t, "PROPPATCH", url+name, setColor); strings.Contains(body, "403 Forbidden") {
			t.Skip("no extended attributes in", dir)
		}
		for _, depth := range []string{"0", "1"} {
			target := name
			if depth == "1" {
				target = filepath.ToSlash(filepath.Dir(name))
			}
			if _, body := dav(t, "PROPFIND", url+target, "", "Depth", depth); strings.Contains(body, ">red<") != want {
				t.Errorf("PROPFIND %s, depth %s: want the property %v:\n%s", target, depth, want, body)
			}
		}
	}
}

// A guest who lacks a right somewhere is asked for a password, if users may have it.
func TestByWebDAVAGuestIsAskedForAPasswordWhereARightIsMissing(t *testing.T) {
	needsRemoval(t)
	s := serveUsers(t, accounts{"alice": {Rights: readOnly | mounting}}, func(srv *httpd.Server) {
		root, _ := writable(t, map[string]string{"f": "f", "in/x": "x", "secret/x": "x"})
		p := pathsOf(t, httpd.PathRights{Path: "/", Rights: readOnly}, httpd.PathRights{Path: "/in", Rights: httpd.Create}, httpd.PathRights{Path: "/secret"})
		srv.Handler = &httpd.Handler{FS: root, Write: httpd.Create, Paths: p, WebDAV: true}
		srv.Accounts = &httpd.Handler{Write: mounting, WebDAV: true}
	})
	for _, tt := range []struct {
		request string
		header  []string
		status  int
	}{
		{"PROPFIND /", []string{"Depth", "1"}, 207}, {"PROPFIND /in", []string{"Depth", "1"}, 207}, {"PROPFIND /none", []string{"Depth", "0"}, 404},
		{"PROPFIND /secret", []string{"Depth", "0"}, 401}, {"PROPFIND /secret/none", []string{"Depth", "0"}, 401}, {"PROPFIND /in/x", []string{"Depth", "0"}, 401},
		{"MKCOL /new", nil, 401}, {"MKCOL /in/new", nil, 401}, {"PROPPATCH /f", nil, 400}, {"COPY /f", []string{"Destination", "/in/f"}, 401}, {"COPY /f", []string{"Destination", "/new"}, 401},
		{"MOVE /f", []string{"Destination", "/new"}, 401}, {"DELETE /f", nil, 401}, {"UNLOCK /f", []string{"Lock-Token", "<urn:x>"}, 409}, {"PUT /in/x", nil, 201},
	} {
		method, target, _ := strings.Cut(tt.request, " ")
		resp, body := dav(t, method, s.url+target, "", tt.header...)
		if resp.StatusCode != tt.status || (tt.status == 401) != (resp.Header.Get("Www-Authenticate") != "") {
			t.Errorf("%s: %s %v %s, want %d", tt.request, resp.Status, resp.Header, body, tt.status)
		}
	}
}

// A client that mounts the files sends no password before it is asked for one.
func TestWithoutGuestsWebDAVAsksForAPassword(t *testing.T) {
	s := serveUsers(t, accounts{"alice": {Rights: readOnly | mounting}}, func(srv *httpd.Server) {
		srv.Handler = &httpd.Handler{WebDAV: true}
		srv.Accounts = &httpd.Handler{Write: mounting, WebDAV: true}
	})
	for _, method := range []string{"PROPFIND", "MKCOL", "PUT", "LOCK"} {
		if resp, body := dav(t, method, s.url+"/", "", "Depth", "0"); resp.StatusCode != 401 || resp.Header.Get("Www-Authenticate") == "" {
			t.Errorf("%s: %s %s", method, resp.Status, body)
		}
	}
}

// DELETE of the address of an upload ends that, and removes no directory.
func TestWithWebDAVAnUploadIsEndedAlone(t *testing.T) {
	needsRemoval(t)
	s := serveResumable(t, &httpd.Handler{Write: mounting, WebDAV: true}, map[string]string{"d/f": "f"})
	target := s.begin("/d/", "new", 10)
	s.request(404, "DELETE", "/d/?upload=none", "", tus()...)
	s.request(204, "DELETE", target, "", tus()...)
	s.request(200, "GET", "/d/f", "")
	s.request(404, "HEAD", target, "", tus()...)
}

// The tokens of locks count in forms, resumable uploads and DELETE too.
func TestTokensOfLocksCountForEveryMethod(t *testing.T) {
	needsRemoval(t)
	url, root := davServer(t, map[string]string{"d/f": "old", "d/g": "old"}, nil)
	resp, _ := dav(t, "LOCK", url+"/d/f", lockBody)
	token := resp.Header.Get("Lock-Token")
	form := "--x\r\nContent-Disposition: form-data; name=a; filename=f\r\n\r\nform\r\n--x--\r\n"
	address := ""
	for _, tt := range []struct {
		name, method, target, body string
		header                     []string
		status                     int
		content                    string // of the file with the token
	}{
		{"a form", "POST", "/d/", form, []string{"Content-Type", "multipart/form-data; boundary=x"}, 200, "form"},
		{"an upload in one request", "POST", "/d/", "draft", []string{"Upload-Complete", "?1", "Content-Disposition", "attachment; filename=f"}, 204, "draft"},
		{"an upload that begins", "POST", "/d/", "", append(tus(), "Upload-Length", "3", "Upload-Metadata", metadata("f")), 201, "draft"},
		{"an upload that ends", "PATCH", "", "tus", patch(0), 204, "tus"},
		{"DELETE", "DELETE", "/d/f", "", nil, 204, "-"},
	} {
		target := tt.target
		if target == "" {
			target = address
		}
		if resp, body := dav(t, tt.method, url+target, tt.body, tt.header...); resp.StatusCode != 423 {
			t.Errorf("%s without the token: %s %s", tt.name, resp.Status, body)
		}
		resp, body := dav(t, tt.method, url+target, tt.body, append(tt.header, "If", "<"+url+"/d/f> ("+token+")")...)
		if resp.StatusCode != tt.status || contentOf(t, root, "/d/f") != tt.content {
			t.Errorf("%s: %s %s, and the file is %q", tt.name, resp.Status, body, contentOf(t, root, "/d/f"))
		}
		if tt.name == "an upload that begins" {
			address = "/d/" + strings.TrimPrefix(resp.Header.Get("Location"), "./")
		}
	}
}

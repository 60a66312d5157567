package httpd_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/httpd"
)

// The page of a drop box says that files are not shown, and confirms those that were sent, because the listing cannot.
func TestAPersonSeesThatADropBoxHasTakenTheFiles(t *testing.T) {
	h := &httpd.Handler{Write: httpd.Create, Archives: true}
	url, dir := withPaths(t, h, map[string]httpd.Rights{"/in": httpd.Create, "/pub": httpd.List | httpd.Read | httpd.Create}, map[string]string{"in/taken.txt": "old", "pub/f": "f"})
	const browser = "text/html,*/*;q=0.8"
	const note, archive = "Files that you upload here are not shown.", `name="zip"`
	for target, isDrop := range map[string]bool{"/in/": true, "/pub/": false} {
		_, page := send(t, http.DefaultClient, "GET", url+target, nil, "Accept", browser)
		if strings.Contains(page, note) != isDrop || strings.Contains(page, archive) == isDrop {
			t.Errorf("the page of %s:\n%s", target, page)
		}
	}
	body, contentType := filesForm(t, formFile{"new & odd.txt", "new", nil}, formFile{"taken.txt", "new", nil})
	resp, page := send(t, http.DefaultClient, "POST", url+"/in/", strings.NewReader(body), "Content-Type", contentType, "Accept", browser)
	const want = "<h1>Saved</h1>\n<p>These files are saved:\n<ul>\n<li><b>new &amp; odd.txt</b>\n<li><b>taken.txt</b>\n</ul>\n<p><a href=\"./\">"
	if resp.StatusCode != 200 || !strings.Contains(page, want) || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%s, %v:\n%s", resp.Status, resp.Header, page)
	}
	if content, err := os.ReadFile(filepath.Join(dir, "in", "taken (2).txt")); string(content) != "new" {
		t.Errorf("the file has %q, %v", content, err)
	}
}

// A user to whom a change is refused everywhere learns which right is missing.
func TestAUserLearnsWhichRightIsMissing(t *testing.T) {
	for _, dav := range []bool{false, true} {
		s := serveUsers(t, accounts{"alice": {Rights: readOnly}}, func(srv *httpd.Server) {
			srv.Accounts = &httpd.Handler{Write: writing, WebDAV: dav}
		})
		for method, want := range map[string]string{
			"PUT": `"create" or "change"`, "POST": `"create" or "change"`, "PATCH": `"create" or "change"`, "DELETE": `"delete"`,
			"MKCOL": `"create"`, "COPY": `"create"`, "MOVE": `"rename"`, "PROPPATCH": `"change"`, "LOCK": `"create" or "change"`, "UNLOCK": `"create" or "change"`,
		} {
			want = "405 Method Not Allowed: This needs the right " + want + ".\n"
			if !dav && slices.Contains([]string{"MKCOL", "COPY", "MOVE", "PROPPATCH", "LOCK", "UNLOCK"}, method) {
				want = "405 Method Not Allowed\n"
			}
			if resp, body := s.do(t, method, "/f.txt", basic("alice", "secret of alice")); resp.StatusCode != 405 || body != want {
				t.Errorf("%s, WebDAV %v: %s %q, want %q", method, dav, resp.Status, body, want)
			}
		}
	}
}

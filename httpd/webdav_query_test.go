package httpd_test

import (
	"net/http/httptest"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
)

// A client that ends its resumable upload, and one that mistakes the address of a listing
// or an archive for a file, must not lose the directory.
func TestDELETEOfAnAddressWithAQueryRemovesNoDirectory(t *testing.T) {
	mem := afero.NewMemMapFs()
	fill(t, mem, map[string]string{"d/f": "content", "f": "old"})
	server := httptest.NewServer(&httpd.Handler{FS: mem, Write: mounting, WebDAV: true})
	defer server.Close()
	for _, target := range []string{"/d/?upload=x", "/d/?upload=", "/d/?upload", "/d?upload=x", "/d/?zip", "/d/?sort=name"} {
		resp, body := dav(t, "DELETE", server.URL+target, "", "Tus-Resumable", "1.0.0")
		if resp.StatusCode < 400 || contentOf(t, mem, "/d/f") != "content" {
			t.Errorf("%s: %s, %q; the file is now %q", target, resp.Status, body, contentOf(t, mem, "/d/f"))
		}
	}
	if resp, body := dav(t, "DELETE", server.URL+"/d/", ""); resp.StatusCode != 204 || contentOf(t, mem, "/d/f") == "content" {
		t.Errorf("without a query: %s %q", resp.Status, body)
	}
}

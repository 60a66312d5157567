package httpd_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
)

// A redirect to the name with a slash keeps an encoded slash encoded: for a browser
// that separates nothing.
func TestARedirectKeepsEncodedSlashes(t *testing.T) {
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, "/d e/x/f.txt", []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	files := httpd.FileServer(memory)
	for _, tt := range []struct {
		name, mount string
		handler     http.Handler
	}{
		{"at the top", "", files},
		{"by net/http", "", tagging(files)},
		{"by StripPrefix", "/files", http.StripPrefix("/files", files)},
	} {
		base, _ := serveAny(t, &httpd.Server{Handler: tt.handler})
		for target, want := range map[string]string{
			"/d%20e%2Fx": "/d%20e%2Fx/", "/d%20e%2fx?a=b": "/d%20e%2Fx/?a=b", "/d%20e%2F": "/d%20e%2F/", "/d%20e/x%2F": "/d%20e/x%2F/",
		} {
			resp, body := get(t, http.DefaultClient, base+tt.mount+target)
			if got := resp.Request.URL.String(); got != base+tt.mount+want || resp.StatusCode != 200 {
				t.Errorf("%s: %s led to %s with %s, want %s", tt.name, target, got, resp.Status, base+tt.mount+want)
			}
			link := "x/"
			if strings.Contains(target, "x") {
				link = "f.txt"
			}
			if !strings.Contains(body, `href="`+link+`"`) {
				t.Errorf("%s: %s: %s is not listed", tt.name, target, link)
			}
		}
		if resp, _ := get(t, http.DefaultClient, base+tt.mount+"/d%20e/x/f.txt%2F"); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: a file with an encoded slash behind it: %s", tt.name, resp.Status)
		}
	}
}

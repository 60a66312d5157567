package httpd_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/vfs"
)

// faults-trust.md, T20.
func TestUnfinishedUploadsAreNeverServed(t *testing.T) {
	const part = "d/.f.0123456789abcdef.sluice-part"
	files := map[string]string{"d/f": "whole", "d/.shown": "hidden", part: "half", "d/.G.X.SLUICE-PART": "half", "d/.dir.x.sluice-part/h": "half"}
	memory := afero.NewMemMapFs()
	onDisk := open(t, &httpd.Handler{ShowHidden: true, Archives: true}, files)
	for name, content := range files {
		if err := afero.WriteFile(memory, "/"+name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, h := range map[string]*httpd.Handler{
		"a directory":    onDisk.Handler,
		"another FS":     {FS: memory, ShowHidden: true, Archives: true},
		"a wrapped Root": {FS: struct{ *vfs.Root }{onDisk.FS.(*vfs.Root)}, ShowHidden: true, Archives: true},
		"kept files":     {FS: onDisk.FS, ShowHidden: true, Archives: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { _ = h.Close() })
			request := func(method, target string) *httptest.ResponseRecorder {
				w, r := httptest.NewRecorder(), httptest.NewRequest(method, target, nil)
				r.Header.Set("Accept", "*/*")
				h.ServeHTTP(w, r)
				return w
			}
			for _, target := range []string{
				"/" + part, "/d/x/../" + part[2:], "/d/%2ef.0123456789abcdef.sluice-part", "/" + strings.ToUpper(part), "/d/.G.X.SLUICE-PART",
				"/" + part + "?sha256", "/" + part + "?download", "/" + part + "/", "/d/.dir.x.sluice-part/", "/d/.dir.x.sluice-part/h", "/d/.dir.x.sluice-part/?zip",
			} {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					if w := request(method, target); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "half") {
						t.Errorf("%s %s: %d, %q", method, target, w.Code, w.Body)
					}
				}
			}
			for _, target := range []string{"/d/", "/d/?search=.", "/d/?zip", "/d/?tar", "/?tar"} {
				body := request(http.MethodGet, target).Body.String()
				if !strings.Contains(body, ".shown") || strings.Contains(strings.ToLower(body), "sluice-part") || strings.Contains(body, "half") {
					t.Errorf("GET %s shows\n%s", target, body)
				}
			}
			check(t, request(http.MethodGet, "/d/.shown"), 200, "hidden")
			check(t, request(http.MethodGet, "/d/f"), 200, "whole")
		})
	}
}

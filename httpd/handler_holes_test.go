package httpd_test

import (
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// Each target has once got a secret out of another server.
func TestHolesOfOtherServersAreClosed(t *testing.T) {
	s := open(t, &httpd.Handler{Archives: true, Precompressed: true, Fallback: "/app.html"}, map[string]string{
		"app.html": "app", "pub/f": "x", "pub/page.txt": "plain", "pub/.env": "secret",
	})
	outside := nettest.TempDir(t)
	if err := os.WriteFile(filepath.Join(outside, "f.gz"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{
		"out":             outside,
		"pub/out":         outside,
		"pub/file":        filepath.Join(outside, "f.gz"),
		"pub/page.txt.gz": filepath.Join(outside, "f.gz"),
		"index.html":      filepath.Join(outside, "f.gz"),
	} {
		if err := os.Symlink(to, filepath.Join(s.dir, filepath.FromSlash(link))); err != nil {
			t.Fatal(err)
		}
	}
	up := strings.Repeat("..%2f", 20) + strings.TrimPrefix(filepath.ToSlash(outside), "/") + "/f.gz"
	for name, target := range map[string]string{
		"dots that are encoded (CVE-2021-41773)":        "/pub/" + strings.Repeat(".%2e/", 20) + strings.TrimPrefix(outside, "/") + "/f.gz",
		"dots that are encoded twice (CVE-2021-42013)":  "/pub/" + strings.Repeat("%%32%65%%32%65/", 20) + "etc/passwd",
		"decoding a second time (dubyte/dir2opds#17)":   "/.%252e/.%252e/etc/passwd",
		"slashes that are encoded (CVE-2023-37474)":     "/pub/" + up,
		"backslashes that are encoded (CVE-2022-21221)": "/..%5c..%5c..%5cetc/passwd",
		"a space and a NUL (CVE-2013-4547)":             "/pub/f%20%00.txt",
		"a prefix without its slash (CVE-2018-19052)":   "/pub../pub/.env",
		"a link that leads out (CVE-2024-23334)":        "/out/f.gz",
		"a link with a slash behind (CVE-2026-39822)":   "/out/",
		"a link to a file with a slash behind":          "/pub/file/",
		"a compressed form that leads out":              "/pub/page.txt",
		"an index file that leads out":                  "/",
		"an archive through links (miniserve#1568)":     "/pub/?tar",
		"an archive of the root":                        "/?tar",
		"an archive of a link that leads out":           "/out/?tar",
		"a checksum of a link that leads out":           "/pub/file?sha256",
		"a hidden name by a detour":                     "/pub/x/../.env",
		"a hidden name in an archive":                   "/pub/?zip",
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.ParseRequestURI(target)
			if err != nil {
				return // the parser of requests refuses it
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.URL = u
			r.Header.Set("Accept-Encoding", "gzip")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if body := w.Body.String(); strings.Contains(body, "secret") || strings.Contains(body, "root:") || strings.Contains(body, outside) {
				t.Errorf("%s: got %d with %.300q", target, w.Code, body)
			}
		})
	}
}

// A name must be data in the header and nothing else (as in CVE-2022-28923, and in the
// log injection of dufs).
func TestNoNameBreaksTheHeader(t *testing.T) {
	if unnameable("\r\n") {
		t.Skip("no file can have such a name here")
	}
	s := open(t, &httpd.Handler{Archives: true}, map[string]string{"a\r\nX-Evil: 1/f": "x", "e\r\nX-Evil: 1": "y"})
	for _, target := range []string{
		"/a%0D%0AX-Evil:%201", "/a%0D%0AX-Evil:%201/?zip", "/e%0D%0AX-Evil:%201?download", "//evil.example/%2e%2e", "/%5C%5Cevil.example",
	} {
		w := s.request(t, "GET", "http://host"+target)
		for name, values := range w.Header() {
			for _, value := range values {
				if strings.ContainsAny(value, "\r\n") || strings.HasPrefix(name, "X-Evil") || name == "Location" && !strings.HasPrefix(value, ".") {
					t.Errorf("%s: %s: %q", target, name, value)
				}
			}
		}
	}
}

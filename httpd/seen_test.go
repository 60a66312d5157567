package httpd_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// A change by another process is seen a second later at most, in every kind of response that depends on it, and without
// a request in between.
func TestChangesByOtherProcessesAreSeenWithinASecond(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files that are open are neither replaced nor removed there, and none is kept open")
	}
	looks := []string{"/", "/a", "/a?sha256", "/d/", "/d/b", "/e/", "/e/b", "/?tar", "/d/?zip", "/index.html"}
	for _, step := range []struct {
		name   string
		change func(dir string) error
	}{
		{"written over in place", func(dir string) error { return os.WriteFile(filepath.Join(dir, "a"), []byte("CONTENT"), 0o644) }},
		{"replaced", func(dir string) error {
			if err := os.WriteFile(filepath.Join(dir, ".a"), []byte("another"), 0o644); err != nil {
				return err
			}
			return os.Rename(filepath.Join(dir, ".a"), filepath.Join(dir, "a"))
		}},
		{"removed", func(dir string) error { return os.Remove(filepath.Join(dir, "a")) }},
		{"a directory moved", func(dir string) error { return os.Rename(filepath.Join(dir, "d"), filepath.Join(dir, "e")) }},
		{"a directory removed", func(dir string) error { return os.RemoveAll(filepath.Join(dir, "d")) }},
		{"a page for the directory", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "index.html"), []byte("page"), 0o644)
		}},
		{"a link", func(dir string) error { return os.Symlink("d", filepath.Join(dir, "e")) }},
		{"another time", func(dir string) error {
			return os.Chtimes(filepath.Join(dir, "a"), time.Time{}, time.Unix(1_000_000_000, 0))
		}},
	} {
		for name, size := range map[string]int{"small": 7, "large": 100_000} {
			t.Run(step.name+", "+name, func(t *testing.T) {
				dir := nettest.TempDir(t)
				if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
					t.Fatal(err)
				}
				for _, file := range []string{"a", "d/b"} {
					if err := os.WriteFile(filepath.Join(dir, file), make([]byte, size), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Test(t, func(t *testing.T) { // its clock is not that of the file system
					tree, err := httpd.Dir(dir)
					if err != nil {
						t.Fatal(err)
					}
					defer tree.Close()
					h := &httpd.Handler{FS: tree, Archives: true}
					defer h.Close()
					fresh := &httpd.Handler{FS: tree, Archives: true, CacheValid: -1}
					defer fresh.Close()
					view := func(h *httpd.Handler, look string) string {
						w := (&fixture{Handler: h}).request(t, http.MethodGet, look)
						return fmt.Sprintf("%d %q %q %x", w.Code, w.Header().Get("Etag"), w.Header().Get("Last-Modified"), w.Body)
					}
					before := make(map[string]string)
					for _, look := range looks {
						before[look] = view(h, look)
					}
					if err := step.change(dir); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					changed := false
					for _, look := range looks {
						got, want := view(h, look), view(fresh, look)
						if got != want {
							t.Errorf("%s: got %.200s, want %.200s", look, got, want)
						}
						changed = changed || want != before[look]
					}
					if !changed {
						t.Error("nothing has changed")
					}
				})
			})
		}
	}
}

// A checksum is read from the file on the disk, so it is that of the present file even if the entry in the cache is
// outdated. Once the response was cut then.
func TestAChecksumIsOfThePresentFile(t *testing.T) {
	dir := nettest.TempDir(t)
	tree, err := httpd.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	h := &httpd.Handler{FS: tree, CacheValid: time.Hour}
	defer h.Close()
	s := &fixture{h, dir}
	for _, content := range []string{"small", "another", strings.Repeat("large", 20_000), ""} {
		s.write(t, "a", content)
		want := fmt.Sprintf("%x  a\n", sha256.Sum256([]byte(content)))
		check(t, s.request(t, http.MethodGet, "/a?sha256"), http.StatusOK, want)
	}
	if runtime.GOOS == "windows" {
		return // an open file cannot be removed there
	}
	if err := os.Remove(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	check(t, s.request(t, http.MethodGet, "/a?sha256"), http.StatusNotFound, "")
}

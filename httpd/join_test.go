package httpd_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/sendfile"
)

// joinedFS is a writable tree with the writable tree of releases, whose directory is returned, and a file system in memory.
func joinedFS(t *testing.T) (fsys afero.Fs, releases string) {
	t.Helper()
	content := strings.Repeat("0123456789", 10_000)
	main, _ := writable(t, map[string]string{"a.bin": content, "releases/hidden": "x"})
	place, releases := writable(t, map[string]string{"b.bin": content, "d/c": "c"})
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, "/m.bin", []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	fsys, err := httpd.Join(main, map[string]afero.Fs{"/releases": place, "/mem": memory})
	if err != nil {
		t.Fatal(err)
	}
	return fsys, releases
}

// Each file keeps how its own file system is sent, from the disk and from the cache.
func TestFilesOfAJoinedTreeKeepTheirMethod(t *testing.T) {
	fsys, _ := joinedFS(t)
	for path, change := range map[string]func(*httpd.Server){
		"on the fast path": nil, "by net/http": func(srv *httpd.Server) { srv.NoFastPath = true },
	} {
		t.Run(path, func(t *testing.T) {
			url, reported := serveFS(t, &httpd.Handler{FS: fsys}, change)
			for name, want := range map[string]sendfile.Method{"/a.bin": fastMethod, "/releases/b.bin": fastMethod, "/mem/m.bin": sendfile.Copy} {
				for range 2 {
					resp, body := get(t, http.DefaultClient, url+name)
					if r := <-reported; resp.StatusCode != 200 || len(body) != 100_000 || r.Method != want {
						t.Errorf("%s: %s with %d bytes by %v, want 200 by %v", name, resp.Status, len(body), r.Method, want)
					}
				}
			}
			resp, body := get(t, http.DefaultClient, url+"/")
			<-reported
			for _, link := range []string{"a.bin", "releases/", "mem/"} {
				if !strings.Contains(body, `href="./`+link) && !strings.Contains(body, link) {
					t.Errorf("%s: the listing lacks %s:\n%s", resp.Status, link, body)
				}
			}
			if resp, _ = get(t, http.DefaultClient, url+"/releases/hidden"); resp.StatusCode != 404 {
				t.Errorf("what a place hides: %s", resp.Status)
			}
			<-reported
		})
	}
}

func TestAJoinedTreeIsWrittenTo(t *testing.T) {
	fsys, releases := joinedFS(t)
	h := &httpd.Handler{FS: fsys, Write: mounting, User: "alice", WebDAV: true}
	server := httptest.NewServer(h)
	t.Cleanup(func() { server.Close(); _ = h.Close() })
	const content = "uploaded"
	for _, name := range []string{"/releases/new", "/mem/new", "/new"} {
		resp, body := dav(t, http.MethodPut, server.URL+name, content)
		if resp.StatusCode != 201 {
			t.Errorf("PUT %s: %s %s", name, resp.Status, body)
		}
		if got, err := afero.ReadFile(fsys, name); string(got) != content || err != nil {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
	if got, err := os.ReadFile(filepath.Join(releases, "new")); !bytes.Equal(got, []byte(content)) || err != nil {
		t.Errorf("on the disk: %q, %v", got, err)
	}
	for _, tt := range []struct {
		method, from, to string
		status           int
		text             string
	}{
		{"MOVE", "/releases/new", "/releases/d/new", 201, ""},
		{"MOVE", "/a.bin", "/releases/a.bin", 502, "another file system"},
		{"MOVE", "/releases/d", "/d", 502, "another file system"},
		{"MOVE", "/releases", "/r", 403, "another file system"},
		{"COPY", "/a.bin", "/releases/a.bin", 201, ""},
		{"COPY", "/releases/d", "/d", 201, ""},
		{"DELETE", "/releases", "", 403, "another file system"},
		{"MKCOL", "/releases", "", 405, ""},
	} {
		var header []string
		if tt.to != "" {
			header = []string{"Destination", server.URL + tt.to}
		}
		resp, body := dav(t, tt.method, server.URL+tt.from, "", header...)
		if resp.StatusCode != tt.status || !strings.Contains(strings.ToLower(body), tt.text) {
			t.Errorf("%s %s to %q: %s %s, want %d", tt.method, tt.from, tt.to, resp.Status, body, tt.status)
		}
	}
	if got, err := afero.ReadFile(fsys, "/releases/d/c"); string(got) != "c" || err != nil {
		t.Errorf("a file of a place that was not removed: %q, %v", got, err)
	}
	if got, err := afero.ReadFile(fsys, "/d/c"); string(got) != "c" || err != nil {
		t.Errorf("a directory that was copied out of a place: %q, %v", got, err)
	}
}

func TestJoinRefusesFileSystemsThatAreNone(t *testing.T) {
	var none *httpd.Root
	for name, join := range map[string]func() (afero.Fs, error){
		"no main file system": func() (afero.Fs, error) { return httpd.Join(nil, nil) },
		"a Root that is nil":  func() (afero.Fs, error) { return httpd.Join(none, nil) },
		"a place that is nil": func() (afero.Fs, error) {
			return httpd.Join(afero.NewMemMapFs(), map[string]afero.Fs{"/a": none})
		},
	} {
		if fsys, err := join(); err == nil || fsys != nil {
			t.Errorf("%s: %v, %v", name, fsys, err)
		}
	}
}

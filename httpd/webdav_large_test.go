package httpd_test

import (
	"fmt"
	"io/fs"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
)

// watchedFs counts how many entries of /many were read and are still there, and those of one call. A directory of a
// MemMapFs cannot be read on after entries were removed.
type watchedFs struct {
	afero.Fs
	stays string // a file that cannot be removed

	mu                sync.Mutex // guards the fields below
	held, most, batch int
}

func (w *watchedFs) add(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held += n
	w.most, w.batch = max(w.most, w.held), max(w.batch, n)
}

func (w *watchedFs) Open(name string) (afero.File, error) {
	f, err := w.Fs.Open(name)
	if err == nil && name == "/many" {
		w.mu.Lock()
		w.held = 0 // what was read before is forgotten
		w.mu.Unlock()
		f = watchedDir{f, w}
	}
	return f, err
}

// Remove ends the use of an entry, and so does Rename, with which a copy ends.
func (w *watchedFs) Remove(name string) error {
	if name == w.stays {
		return fs.ErrPermission
	}
	w.add(-1)
	return w.Fs.Remove(name)
}

func (w *watchedFs) Rename(from, to string) error {
	w.add(-1)
	return w.Fs.Rename(from, to)
}

type watchedDir struct {
	afero.File
	fsys *watchedFs
}

func (d watchedDir) Readdir(n int) ([]fs.FileInfo, error) {
	infos, err := d.File.Readdir(n)
	d.fsys.add(len(infos))
	return infos, err
}

// COPY, DELETE and MOVE have a few hundred entries of a directory in memory, however many there are.
func TestWebDAVHoldsNoLargeDirectoryInMemory(t *testing.T) {
	const n, most = 1300, 512 // of a call
	for _, tt := range []struct {
		method, from, to string
		stays            string
		want             int
		left             map[string]int // entries of directories at the end; -1: there is none
	}{
		{"COPY", "/many", "/copy", "", 201, map[string]int{"/many": n, "/copy": n, "/copy/sub": n / 10}},
		{"DELETE", "/many", "", "", 204, map[string]int{"/many": -1}},
		{"DELETE", "/many", "", "/many/0007", 207, map[string]int{"/many": 1}},
		{"DELETE", "/many", "", "/many/sub/0007", 207, map[string]int{"/many": 1, "/many/sub": 1}},
		{"MOVE", "/few", "/many", "", 204, map[string]int{"/many": 1, "/few": -1}},
	} {
		t.Run(tt.method+" "+tt.stays, func(t *testing.T) {
			mem := afero.NewMemMapFs()
			files := map[string]string{"few/f": "f"}
			for i := range n - 1 {
				files[fmt.Sprintf("many/%04d", i)] = "x"
			}
			for i := range n / 10 {
				files[fmt.Sprintf("many/sub/%04d", i)] = "y"
			}
			fill(t, mem, files)
			watched := &watchedFs{Fs: mem, stays: tt.stays}
			server := httptest.NewServer(&httpd.Handler{FS: watched, Write: mounting, WebDAV: true})
			defer server.Close()
			var header []string
			if tt.to != "" {
				header = []string{"Destination", tt.to}
			}
			resp, body := dav(t, tt.method, server.URL+tt.from, "", header...)
			if resp.StatusCode != tt.want {
				t.Errorf("%d %.300s, want %d", resp.StatusCode, body, tt.want)
			}
			if n := strings.Count(body, "<D:response>"); n > 1 || n == 1 && !strings.Contains(body, tt.stays+"<") {
				t.Errorf("the failures are %.1000s", body)
			}
			if watched.batch > most || tt.method != "MOVE" && watched.most > 2*most { // MOVE only looks at them
				t.Errorf("%d entries are in memory, %d of one call, want %d at most", watched.most, watched.batch, most)
			}
			for dir, want := range tt.left {
				infos, err := afero.ReadDir(mem, dir)
				if got := len(infos); err == nil && got != want || err != nil && want >= 0 {
					t.Errorf("%s has %d entries, %v, want %d", dir, got, err, want)
				}
				for _, info := range infos {
					if strings.HasPrefix(info.Name(), ".") {
						t.Errorf("%s/%s is left", dir, info.Name())
					}
				}
			}
		})
	}
}

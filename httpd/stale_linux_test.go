package httpd_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// requestPart requests bytes of a file, and returns status and body.
func requestPart(t *testing.T, method, url, bytes string) (status int, body []byte) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bytes != "" {
		r.Header.Set("Range", "bytes="+bytes)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// A file that was kept open and can no longer be read is opened again before anything is sent. If that does not help, the
// client gets a status and the log a reason.
func TestAStaleFileIsOpenedAgain(t *testing.T) {
	for name, change := range map[string]func(*httpd.Server){
		"of an event loop": func(*httpd.Server) {},
		"of a goroutine":   func(srv *httpd.Server) { srv.NoLoop = true },
		"of net/http":      func(srv *httpd.Server) { srv.NoFastPath = true },
	} {
		t.Run(name, func(t *testing.T) {
			dir := nettest.TempDir(t)
			mount := nettest.MountFUSE(t, filepath.Join(dir, "mnt"))
			root, err := httpd.Dir(dir)
			if err != nil {
				t.Fatal(err)
			}
			h := &httpd.Handler{FS: root, CacheValid: time.Hour}
			t.Cleanup(func() { _ = h.Close(); _ = root.Close() })
			url, reported := serveFS(t, h, change)
			url += "/mnt/file.bin"
			for _, tt := range []struct {
				name, bytes string
				status      int
				length      int
			}{
				{"a part", "1000000-1000099", 206, 100},
				{"two parts", "0-9,2000000-2000009", 206, 0},
				{"all of it", "", 200, nettest.FUSESize},
			} {
				for _, state := range []string{"at first", "after the handle was outdated"} {
					status, body := requestPart(t, http.MethodGet, url, tt.bytes)
					if status != tt.status || tt.length > 0 && len(body) != tt.length || len(body) == 0 {
						t.Errorf("%s, %s: got %d with %d bytes, want %d with %d", tt.name, state, status, len(body), tt.status, tt.length)
					}
					if tr := <-reported; tr.Err != nil {
						t.Errorf("%s, %s: %v", tt.name, state, tr.Err)
					}
					f, err := os.Open(filepath.Join(dir, "mnt", "file.bin")) // so that the kernel forgets its content
					if err != nil {
						t.Fatal(err)
					}
					_ = f.Close()
					mount.Outdate()
				}
			}
			if status, _ := requestPart(t, http.MethodHead, url, ""); status != 200 {
				t.Errorf("HEAD of a stale file, which needs no content: %d, want 200", status)
			}
			<-reported
			mount.Kill()
			for range 2 {
				status, body := requestPart(t, http.MethodGet, url, "0-9")
				if status != 503 || !strings.Contains(string(body), "does not answer") {
					t.Errorf("without its server: got %d %q, want 503 and a reason", status, body)
				}
				if tr := <-reported; !strings.Contains(tr.Reason, "not connected") {
					t.Errorf("without its server: the reason is %q", tr.Reason)
				}
			}
		})
	}
}

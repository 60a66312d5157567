package httpd_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/httpd"
)

// A file of /proc has size 0 whatever it has, and one of /sys that of a page. A response without content would be wrong,
// and one that ends too early is no help.
func TestAFileWithoutASizeIsRefusedWithAReason(t *testing.T) {
	for name, change := range map[string]func(*httpd.Server){
		"of an event loop": func(*httpd.Server) {},
		"of a goroutine":   func(srv *httpd.Server) { srv.NoLoop = true },
		"of net/http":      func(srv *httpd.Server) { srv.NoFastPath = true },
	} {
		for _, file := range []string{"/proc/sys/kernel/ostype", "/sys/kernel/uevent_seqnum"} {
			t.Run(file+" "+name, func(t *testing.T) {
				if _, err := os.Stat(file); err != nil {
					t.Skip(err)
				}
				root, err := httpd.Dir(filepath.Dir(file))
				if err != nil {
					t.Fatal(err)
				}
				defer root.Close()
				url, reported := serveFS(t, &httpd.Handler{FS: root}, change)
				for range 2 { // the second time from the cache, if that kept it
					resp, err := http.Get(url + "/" + filepath.Base(file))
					if err != nil {
						t.Fatal(err)
					}
					body, err := io.ReadAll(resp.Body)
					_ = resp.Body.Close()
					if err != nil || resp.StatusCode != http.StatusNotImplemented || !strings.Contains(string(body), "size") {
						t.Errorf("got %d %q, %v, want 501 and a reason", resp.StatusCode, body, err)
					}
					<-reported
				}
			})
		}
	}
}

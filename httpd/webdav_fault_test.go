package httpd_test

import (
	"fmt"
	"net/http/httptest"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/quota"
)

// Each call of the file system fails once, at every place. The count of the quota stays right.
func TestAMoveOrCopyThatFailsLosesNothing(t *testing.T) {
	files := map[string]string{"f": "new", "g": "old", "d/f": "new", "e/f": "old", "e/only": "old"}
	for _, tt := range []struct {
		method, from, to string
		read             string // a file in it; "": itself
	}{
		{"COPY", "/f", "/g", ""}, {"MOVE", "/f", "/g", ""}, {"COPY", "/d", "/e", "/f"}, {"MOVE", "/d", "/e", "/f"}, {"COPY", "/d", "/x", "/f"}, {"MOVE", "/d", "/x", "/f"},
		{"MOVE", "/f", "/e", ""},
	} {
		for _, call := range []string{"Open", "OpenFile", "Stat", "Rename", "Remove", "Write", "Sync", "Close"} {
			for n := 1; ; n++ {
				broken := &fault{only: call, left: n, err: syscall.ENOSPC}
				mem := afero.NewMemMapFs()
				fill(t, mem, files)
				volume, limit := httpd.NewVolume(mem, httpd.Reserve{}), httpd.Quota{Bytes: 1000, Files: 100}
				counted := quota.SpaceIn(volume, "", limit)
				if err := counted.Ready(); err != nil {
					t.Fatal(err)
				}
				server := httptest.NewServer(&httpd.Handler{FS: &breakable{mem, broken}, Write: mounting, WebDAV: true, Volume: volume, Quota: limit})
				resp, body := dav(t, tt.method, server.URL+tt.from, "", "Destination", tt.to)
				server.Close()
				at := fmt.Sprintf("%s %s to %s, %s %d fails: %d", tt.method, tt.from, tt.to, call, n, resp.StatusCode)
				fresh := quota.SpaceIn(quota.New(mem, quota.Reserve{}), "", limit)
				if err := fresh.Ready(); err != nil {
					t.Fatal(err)
				}
				if counted, fresh := counted.Usage(), fresh.Usage(); counted != fresh {
					t.Errorf("%s: counted is %+v, and there is %+v", at, counted, fresh)
				}
				source, target := contentOf(t, mem, tt.from+tt.read), contentOf(t, mem, tt.to+tt.read)
				switch {
				case source != "new" && target != "new":
					t.Errorf("%s: the source is lost (%q, %q): %s", at, source, target, body)
				case tt.method == "COPY" && source != "new":
					t.Errorf("%s: the source is %q", at, source)
				case resp.StatusCode < 300 && resp.StatusCode != 207 && target != "new":
					t.Errorf("%s: the target is %q", at, target)
				case target != "new" && target != "-" && target != "old" && target != "": // that of a directory
					t.Errorf("%s: the target is %q", at, target)
				case !broken.failed && resp.StatusCode >= 300:
					t.Errorf("%s without a fault: %s", at, body)
				}
				if target == "-" && tt.to != "/x" && resp.StatusCode != 207 && tt.to+tt.read != "/e" && contentOf(t, mem, tt.to+"/only") != "old" {
					t.Errorf("%s: the old target is lost", at)
				}
				if !broken.failed {
					break
				}
			}
		}
	}
}

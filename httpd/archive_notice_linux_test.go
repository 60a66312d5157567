package httpd_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// The permissions that count are those of the effective user, as when a file is opened.
func TestPermissionsLeaveFilesOutOfAnArchive(t *testing.T) {
	s := open(t, &httpd.Handler{Archives: true}, map[string]string{
		"d/a": "first", "d/key": "secret", "d/closed/b": "below", "d/empty": "", "d/z": "last",
	})
	for name, mode := range map[string]os.FileMode{"..": 0o755, "key": 0, "empty": 0, "closed": 0} {
		if err := os.Chmod(filepath.Join(s.dir, "d", name), mode); err != nil {
			t.Fatal(err)
		}
	}
	nettest.AsNobody(t)
	want := map[string]string{
		"d/a": "first", "d/z": "last", "d/closed/": "",
		"d/UNREADABLE-FILES.txt": noticeHead + "d/closed/*\nd/empty\nd/key\n",
	}
	for _, kind := range []string{"tar", "zip", "tar.gz"} {
		if diff := cmp.Diff(want, archiveOf(t, s, kind)); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", kind, diff)
		}
	}
}

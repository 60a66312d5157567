package ftpd_test

import (
	"os"
	"path/filepath"
	"testing"

	"sluice/ftpd"
)

// A file of /proc has size 0 whatever it has, and one of /sys that of a page. A transfer without content would be wrong.
func TestRetrOfAFileWithoutASizeSendsAllOfIt(t *testing.T) {
	for _, file := range []string{"/proc/sys/kernel/ostype", "/sys/kernel/uevent_seqnum"} {
		t.Run(file, func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Skip(err)
			}
			root, err := ftpd.Dir(filepath.Dir(file))
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			s := startAs(t, func(a *access) { a.root = root }, nil)
			c := s.guest()
			for _, m := range []mode{pasv, port} {
				if got := c.get(m, "RETR "+filepath.Base(file)); got != string(want) {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			c.want(350, "REST 2")
			c.want(227, "PASV")
			c.want(550, "RETR "+filepath.Base(file))
		})
	}
}

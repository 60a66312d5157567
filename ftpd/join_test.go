package ftpd_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// A user of a joined tree has the files of all its parts, each by the method of its file system, and learns what cannot be
// moved.
func TestAJoinedTreeByFTP(t *testing.T) {
	const size = 3 << 20
	dirs := make([]string, 2)
	roots := make([]*ftpd.Root, 2)
	for i := range dirs {
		dirs[i] = nettest.TempDir(t)
		root, err := ftpd.Dir(dirs[i])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = root.Close() })
		roots[i] = root.Writable()
	}
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, "/m", []byte("in memory"), 0o644); err != nil {
		t.Fatal(err)
	}
	joined, err := ftpd.Join(roots[0], map[string]afero.Fs{"/releases": roots[1], "/mem": memory})
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, func(srv *ftpd.Server) {
		login := srv.Login
		srv.Login = func(ctx context.Context, c ftpd.Client, name, password string) (*ftpd.Account, error) {
			a, err := login(ctx, c, name, password)
			if a != nil {
				a.FS = joined
			}
			return a, err
		}
	})
	c := s.login()
	pattern, err := io.ReadAll(nettest.Pattern(size))
	if err != nil {
		t.Fatal(err)
	}
	content := string(pattern)
	fastReceive, fastSend := sendfile.Copy, sendfile.Copy
	if hasSendfile {
		fastReceive, fastSend = sendfile.Splice, sendfile.Sendfile
	}
	for name, dir := range map[string]string{"/a": dirs[0], "/releases/b": dirs[1]} {
		c.put(pasv, "STOR "+name, strings.NewReader(content))
		if x := s.transfer(); x.Err != nil || x.Method != fastReceive {
			t.Errorf("STOR %s: %v by %v, want %v", name, x.Err, x.Method, fastReceive)
		}
		if got, err := os.ReadFile(filepath.Join(dir, filepath.Base(name))); string(got) != content || err != nil {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if got := c.get(pasv, "RETR "+name); got != content {
			t.Errorf("RETR %s: %d bytes", name, len(got))
		}
		if x := s.transfer(); x.Err != nil || x.Method != fastSend {
			t.Errorf("RETR %s: %v by %v, want %v", name, x.Err, x.Method, fastSend)
		}
	}
	if got := c.get(pasv, "RETR /mem/m"); got != "in memory" {
		t.Errorf("RETR of a file in memory: %q", got)
	}
	if x := s.transfer(); x.Method != sendfile.Copy {
		t.Errorf("a file in memory went by %v", x.Method)
	}
	if got := strings.Fields(c.get(pasv, "NLST /")); strings.Join(got, " ") != "/a /mem /releases" {
		t.Errorf("NLST /: %q", got)
	}
	c.want(350, "RNFR /a")
	if text := c.want(550, "RNTO /releases/a"); !strings.Contains(text, "another file system") {
		t.Errorf("RNTO to another file system: %q", text)
	}
	c.want(350, "RNFR /releases/b")
	c.want(250, "RNTO /releases/b2")
	if text := c.want(550, "RMD /releases"); !strings.Contains(text, "is shown here") {
		t.Errorf("RMD of a place: %q", text)
	}
	c.want(257, "MKD /releases/new")
	c.want(250, "DELE /releases/b2")
}

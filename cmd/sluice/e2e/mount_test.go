//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
)

// A directory with another one and a bucket in it is one tree for clients, in the sandbox too. Files of directories go without
// a copy.
func TestClientsUseMounts(t *testing.T) {
	g := startGateway(t)
	dir, media := publicDir(t), publicDir(t)
	const size = 3 << 20
	for name, in := range map[string]string{"f": dir, "film": media, "old": g.dir} {
		writePattern(t, filepath.Join(in, name), size)
	}
	s := launch{schemes: schemes}.serve(t, dir, "--http", "127.0.0.1:0", "--ftp", "127.0.0.1:0", "--user", login, "--write", "--webdav",
		"--s3-endpoint", g.endpoint, "--s3-credentials", g.keys, "--mount", "/media="+media, "--mount", "/archive=s3://pub")
	s.http, s.ftp = s.urls["http"], s.urls["ftp"]
	for path, method := range map[string]string{"f": "sendfile", "media/film": "sendfile", "archive/old": "copy"} {
		for _, scheme := range schemes {
			got := t.TempDir()
			curl(t, got, "-o", "got", s.urlOf(scheme, path))
			wantPattern(t, filepath.Join(got, "got"), 0, size)
			s.wantLogged("msg="+scheme, map[string]string{"http": "target=/", "ftp": "path=/"}[scheme]+path, fmt.Sprint("bytes=", size), "method="+method)
		}
	}

	own := t.TempDir()
	writePattern(t, filepath.Join(own, "new"), size)
	s.lftp(own, "cd media; put new; cd ../archive; mkdir d; cd d; put new")
	wantPattern(t, filepath.Join(media, "new"), 0, size)
	wantPattern(t, filepath.Join(g.dir, "d", "new"), 0, size)
	curl(t, own, "-u", login, "-X", "COPY", "-H", "Destination: "+s.urlOf("http", "archive/copy"), s.urlOf("http", "media/new"))
	wantPattern(t, filepath.Join(g.dir, "copy"), 0, size)
}

//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// store makes an object of the pattern by the protocol of the store: a file in its directory would have no entity tag.
func (g *gateway) store(t *testing.T, name string, size int64) {
	t.Helper()
	local := filepath.Join(t.TempDir(), "f")
	writePattern(t, local, size)
	curl(t, t.TempDir(), "-f", "--aws-sigv4", "aws:amz:us-east-1:s3", "-u", accessKey+":"+secretKey,
		"-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", "-H", "Content-Type: application/octet-stream", "-T", local, g.endpoint+"/pub/"+name)
}

// In the sandbox, as another user, and after a kill: the cache has the object, and both protocols send it by sendfile.
func TestACachedBucketIsSentBySendfile(t *testing.T) {
	needsRoot(t)
	g := startGateway(t)
	const size = 5_000_000
	g.store(t, "f", size)
	cache := filepath.Join(publicDir(t), "cache")
	serve := func() *server {
		return g.serve(t, defaultUser, "--sandbox", "required", "--cache", cache, "--cache-size", "100MiB", "--cache-valid", "0s")
	}
	got := t.TempDir()
	download := func(s *server, scheme string) {
		t.Helper()
		curl(t, got, "-o", "f", s.urlOf(scheme, "f"))
		wantPattern(t, filepath.Join(got, "f"), 0, size)
	}
	s := serve()
	download(s, "http")
	s.wantLogged("target=/f", "method=copy")
	awaitCached(t, cache, 1)
	for _, scheme := range []string{"http", "ftp"} {
		download(s, scheme)
		s.wantLogged("msg="+scheme, "method=sendfile", fmt.Sprint("bytes=", size))
	}
	s.crash()

	s = serve()
	download(s, "ftp")
	s.wantLogged("msg=ftp", "method=sendfile")
	g.store(t, "f", 2*size) // which is seen at once
	curl(t, got, "-o", "g", s.urlOf("http", "f"))
	wantPattern(t, filepath.Join(got, "g"), 0, 2*size)
	awaitCached(t, cache, 2)
}

// awaitCached waits until a cache has n objects, and nothing unfinished.
func awaitCached(t *testing.T, dir string, n int) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		whole, err1 := filepath.Glob(filepath.Join(dir, "object-*"))
		others, err2 := filepath.Glob(filepath.Join(dir, "unfinished-*"))
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if len(whole) == n && len(others) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the cache has %q and %q, want %d objects", whole, others, n)
		}
	}
}

func TestClientsFollowARedirectToTheStore(t *testing.T) {
	g := startGateway(t)
	const size = 3_000_000
	g.store(t, "dir/f%20%C3%BC.bin", size)
	s := g.serve(t, "--redirect", "--redirect-for", "20s")
	got := t.TempDir()
	link := s.urlOf("http", "dir/") + "/f%20%C3%BC.bin"
	curl(t, got, "-f", "-L", "-o", "whole", link)
	wantPattern(t, filepath.Join(got, "whole"), 0, size)
	s.wantLogged("status=307", `reason="redirected`)
	curl(t, got, "-f", "-L", "-r", "1000000-1999999", "-o", "part", link)
	wantPattern(t, filepath.Join(got, "part"), 1_000_000, 1_000_000)
	if err := os.Truncate(filepath.Join(got, "whole"), 1_000_000); err != nil {
		t.Fatal(err)
	}
	curl(t, got, "-f", "-L", "-C", "-", "-o", "whole", link) // resumes
	wantPattern(t, filepath.Join(got, "whole"), 0, size)
	if out := curl(t, got, "-f", "-L", "-I", link+"?download"); !strings.Contains(out, "filename*=UTF-8''f%20%C3%BC.bin") || !strings.Contains(out, fmt.Sprint(size)) {
		t.Errorf("HEAD: got %s", out)
	}
	curl(t, got, "-o", "ftp", s.urlOf("ftp", "dir")+"/f%20%C3%BC.bin")
	wantPattern(t, filepath.Join(got, "ftp"), 0, size)
}

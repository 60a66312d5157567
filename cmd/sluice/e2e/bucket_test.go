//go:build e2e

package e2e

import (
	"crypto/md5"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// gateway is a versitygw, an object store whose buckets are directories, with the bucket pub.
type gateway struct {
	dir      string // of the bucket
	endpoint string
	keys     string // file of credentials, which only its owner may read
	cmd      *exec.Cmd
}

const accessKey, secretKey = "AKIAKEY", "topsecret"

// startGateway starts the program that SLUICE_VERSITYGW names.
func startGateway(t *testing.T) *gateway {
	t.Helper()
	program := os.Getenv("SLUICE_VERSITYGW")
	if program == "" {
		t.Fatal("SLUICE_VERSITYGW names no versitygw: tools/versitygw.sh builds one")
	}
	root := publicDir(t)
	g := &gateway{dir: filepath.Join(root, "pub"), endpoint: "http://" + freeAddr(t), keys: filepath.Join(publicDir(t), "keys")}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	g.writeKeys(t, secretKey)
	g.start(t)
	return g
}

// start starts the program, at the address of before if it has run.
func (g *gateway) start(t *testing.T) {
	t.Helper()
	addr := strings.TrimPrefix(g.endpoint, "http://")
	g.cmd = exec.Command(os.Getenv("SLUICE_VERSITYGW"), "--access", accessKey, "--secret", secretKey, "--port", addr, "--quiet", "posix", filepath.Dir(g.dir))
	g.cmd.Env = environ(t)
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.stop)
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("versitygw does not listen")
		}
	}
}

// stop kills the program.
func (g *gateway) stop() {
	if g.cmd.ProcessState == nil {
		_ = g.cmd.Process.Kill()
		_ = g.cmd.Wait()
	}
}

// put stores a file as a client of the store does, so that the object has an ETag and a type.
func (g *gateway) put(t *testing.T, key, file, mediaType string) {
	t.Helper()
	curl(t, filepath.Dir(file), "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", accessKey+":"+secretKey, "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD",
		"-H", "Content-Type: "+mediaType, "-T", file, g.endpoint+"/pub/"+key)
}

func (g *gateway) writeKeys(t *testing.T, secret string) {
	t.Helper()
	content := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", accessKey, secret)
	if err := os.WriteFile(g.keys, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// freeAddr returns an address on which nothing listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// serve serves the bucket.
func (g *gateway) serve(t *testing.T, flags ...string) *server {
	t.Helper()
	flags = append([]string{"--http", "127.0.0.1:0", "--ftp", "127.0.0.1:0", "--s3-endpoint", g.endpoint, "--s3-credentials", g.keys}, flags...)
	s := launch{schemes: schemes}.serve(t, "s3://pub", flags...)
	s.http, s.ftp = s.urls["http"], s.urls["ftp"]
	return s
}

func TestClientsReadABucket(t *testing.T) {
	g := startGateway(t)
	writePattern(t, filepath.Join(g.dir, "f"), 3<<20)
	writePattern(t, filepath.Join(g.dir, "dir/sub/g"), 12345)
	s := g.serve(t, "--user", login)
	got := t.TempDir()

	curl(t, got, "-o", "whole", s.urlOf("http", "f"))
	wantPattern(t, filepath.Join(got, "whole"), 0, 3<<20)
	curl(t, got, "-r", "1000000-1999999", "-o", "part", s.urlOf("http", "f"))
	wantPattern(t, filepath.Join(got, "part"), 1_000_000, 1_000_000)
	g.put(t, "stored", filepath.Join(got, "part"), "image/png")
	content, err := os.ReadFile(filepath.Join(got, "part"))
	if err != nil {
		t.Fatal(err)
	}
	tag := fmt.Sprintf(`"%x"`, md5.Sum(content))
	if head := curl(t, got, "-I", s.urlOf("http", "stored")); !strings.Contains(head, "Etag: "+tag+"\r\n") || !strings.Contains(head, "Content-Type: image/png\r\n") {
		t.Errorf("got\n%s\nwant the tag of the store, %s, and its type", head, tag)
	}
	if status := curl(t, got, "-o", "/dev/null", "-w", "%{http_code}", "-H", "If-None-Match: "+tag, s.urlOf("http", "stored")); status != "304" {
		t.Errorf("for the same version curl got %s, want 304", status)
	}
	if listing := curl(t, got, s.urlOf("http", "dir/")+"/"); !strings.Contains(listing, "sub/") {
		t.Errorf("the listing lacks the directory:\n%s", listing)
	}

	curl(t, got, "-o", "ftp", s.urlOf("ftp", "f"))
	wantPattern(t, filepath.Join(got, "ftp"), 0, 3<<20)
	s.lftp(got, "mirror dir")
	wantPattern(t, filepath.Join(got, "dir/sub/g"), 0, 12345)
}

// In the sandbox the server still connects to the store by its name, with credentials that only root may read.
func TestTheSandboxLeavesTheStoreInReach(t *testing.T) {
	needsRoot(t)
	g := startGateway(t)
	writePattern(t, filepath.Join(g.dir, "f"), 1<<20)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(g.endpoint, "http://"))
	s := g.serve(t, defaultUser, "--sandbox", "required", "--s3-endpoint", "http://localhost:"+port, "--s3-path-style")
	s.wantLogged("msg=contained", "capabilities=none", "lacks=none")
	got := t.TempDir()
	curl(t, got, "-o", "f", s.urlOf("http", "f"))
	wantPattern(t, filepath.Join(got, "f"), 0, 1<<20)

	g.stop() // which closes all connections, so that the next request needs the name again
	g.start(t)
	curl(t, got, "-o", "g", s.urlOf("http", "f"))
	wantPattern(t, filepath.Join(got, "g"), 0, 1<<20)
}

// A store that is gone is not a missing file, and not the end of the server.
func TestAStoreThatIsGoneComesBack(t *testing.T) {
	g := startGateway(t)
	writePattern(t, filepath.Join(g.dir, "f"), 1<<20)
	admin := freeAddr(t)
	s := g.serve(t, "--admin", admin)
	s.expected = "object store"
	got := t.TempDir()
	status := func(url string) int {
		t.Helper()
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if code := status("http://" + admin + "/healthz"); code != 200 {
		t.Errorf("healthz: %d", code)
	}
	g.stop()
	if code := status(s.urlOf("http", "f")); code != http.StatusBadGateway {
		t.Errorf("got %d, want 502", code)
	}
	if out, code := try(t, got, "curl", "-sS", "-v", s.urlOf("ftp", "f")); code == 0 || !strings.Contains(out, "The object store failed") {
		t.Errorf("curl exits with %d:\n%s", code, out)
	}
	for deadline := time.Now().Add(patience); status("http://"+admin+"/healthz") != http.StatusServiceUnavailable; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("healthz does not notice")
		}
	}
	g.start(t)
	curl(t, got, "-o", "f", s.urlOf("http", "f"))
	wantPattern(t, filepath.Join(got, "f"), 0, 1<<20)
}

// Each protocol says why an object store cannot do something.
func TestABucketSaysWhatItCannotDo(t *testing.T) {
	g := startGateway(t)
	writePattern(t, filepath.Join(g.dir, "f"), 1000)
	s := g.serve(t, "--user", login, "--write", "--webdav")
	c, err := dialFTP(t.Context(), s.ftp.Host, user, password)
	if err != nil {
		t.Fatal(err)
	}
	defer c.conn.Close()
	for _, tt := range []struct{ line, want string }{
		{"MFMT 20200101000000 f", "504 The object store keeps the time of the upload"},
		{"SITE UTIME 20200101000000 f", "504 The object store keeps the time of the upload"},
		{"MFF Modify=20200101000000; f", "504 The object store keeps the time of the upload"},
		{"SITE CHMOD 600 f", "504 The object store keeps no permissions"},
		{"APPE f", "550 The object store cannot change or extend a file: send it as a whole"},
	} {
		if got, err := c.exchange(t.Context(), tt.line); err != nil || !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: got %q, %v, want %q", tt.line, got, err, tt.want)
		}
	}
	if _, err := c.do(350, "REST 500"); err != nil {
		t.Fatal(err)
	}
	const inside = "550 The object store takes the bytes of a file only in their order"
	if got, err := c.exchange(t.Context(), "STOR f"); err != nil || !strings.HasPrefix(got, inside) {
		t.Errorf("STOR f after REST 500: got %q, %v, want %q", got, err, inside)
	}

	proppatch := func(property string) string {
		return curl(t, t.TempDir(), "--no-fail", "-u", login, "-X", "PROPPATCH", "-d", `<propertyupdate xmlns="DAV:"><set><prop>`+property+`</prop></set></propertyupdate>`, s.urlOf("http", "f"))
	}
	for property, want := range map[string]string{
		"<getlastmodified>Wed, 01 Jan 2020 00:00:00 GMT</getlastmodified>": "The object store keeps the time of the upload",
		`<executable xmlns="http://apache.org/dav/props/">T</executable>`:  "The object store keeps no permissions",
		`<colour xmlns="urn:example">red</colour>`:                         "This file system has no place for properties.",
	} {
		if got := proppatch(property); !strings.Contains(got, want) {
			t.Errorf("PROPPATCH of %s: got\n%s\nwant %q", property, got, want)
		}
	}
}

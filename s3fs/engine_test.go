package s3fs_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"sluice/s3fs"
)

// gateway is versitygw: an object store whose objects are files of a directory.
type gateway struct{ url, bucket string }

// startGateway starts the program that SLUICE_VERSITYGW names, which "make test-s3" builds. It has one bucket.
func startGateway(t *testing.T) *gateway {
	t.Helper()
	program := os.Getenv("SLUICE_VERSITYGW")
	if program == "" {
		t.Skip("SLUICE_VERSITYGW names no program: see make test-s3")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, bucketName), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--port", address, "posix", dir)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY=key", "ROOT_SECRET_KEY=secret")
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("versitygw: %s", text[max(0, len(text)-4000):])
		}
	})
	g := &gateway{url: "http://" + address, bucket: bucketName}
	for end := time.Now().Add(20 * time.Second); ; {
		resp, err := http.Get(g.url)
		if err == nil {
			_ = resp.Body.Close()
			return g
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (g *gateway) open(t *testing.T, change func(*s3fs.Config)) *s3fs.FS {
	t.Helper()
	c := s3fs.Config{Endpoint: g.url, Bucket: g.bucket, Prefix: t.Name(), Region: "us-east-1", AccessKey: "key", SecretKey: "secret"}
	if change != nil {
		change(&c)
	}
	files, err := s3fs.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	return files
}

func TestABucketOfVersitygw(t *testing.T) {
	g := startGateway(t)
	for _, behavior := range behaviors {
		t.Run(behavior.name, func(t *testing.T) { behavior.test(t, g) })
	}
}

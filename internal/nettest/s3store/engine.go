package s3store

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The credentials of an Engine. A Store takes any.
const (
	AccessKey = "key"
	SecretKey = "secretkey"
)

// Engine is an object store of another maker, which runs as a program until the end of the test. It has the Bucket, empty.
type Engine struct {
	URL     string
	uploads string // pattern of its files: one for each multipart upload
}

// Versitygw starts the program that SLUICE_VERSITYGW names, whose objects are files of a directory. Without the variable it
// skips the test: see make test-s3.
func Versitygw(t testing.TB) *Engine {
	t.Helper()
	program := named(t, "SLUICE_VERSITYGW", "make test-s3")
	dir := dirWithBucket(t)
	address := freeAddress(t)
	start(t, address, exec.Command(program, "--access", AccessKey, "--secret", SecretKey, "--port", address, "--quiet", "posix", dir))
	return &Engine{"http://" + address, filepath.Join(dir, Bucket, ".sgwtmp", "multipart", "*", "*")}
}

// MinIO starts the program that SLUICE_MINIO names. Without the variable it skips the test: see make test-s3-minio.
func MinIO(t testing.TB) *Engine {
	t.Helper()
	program := named(t, "SLUICE_MINIO", "make test-s3-minio")
	dir, home := dirWithBucket(t), t.TempDir()
	address := freeAddress(t)
	cmd := exec.Command(program, "server", "--quiet", "--address", address, "--certs-dir", home, dir)
	cmd.Env = append(os.Environ(), "HOME="+home, "MINIO_ROOT_USER="+AccessKey, "MINIO_ROOT_PASSWORD="+SecretKey,
		"MINIO_BROWSER=off", "MINIO_UPDATE=off", // which would ask the network
		"MINIO_CI_CD=1") // else it refuses a directory of the root disk
	start(t, address, cmd)
	return &Engine{"http://" + address, filepath.Join(dir, ".minio.sys", "multipart", "*", "*")}
}

// Unfinished returns how many multipart uploads there are. The listings of MinIO know only those of a given key.
func (e *Engine) Unfinished(t testing.TB) int {
	t.Helper()
	uploads, err := filepath.Glob(e.uploads)
	if err != nil {
		t.Fatal(err)
	}
	return len(uploads)
}

// named returns the program that an environment variable names.
func named(t testing.TB, variable, target string) string {
	t.Helper()
	program := os.Getenv(variable)
	if program == "" {
		t.Skipf("%s names no program: see %s", variable, target)
	}
	return program
}

// dirWithBucket returns a directory for a store, whose buckets are directories.
func dirWithBucket(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, Bucket), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// freeAddress returns an address on which nothing listens.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start runs a program until the end of the test, and waits until it answers. A test that fails shows what it has printed.
func start(t testing.TB, address string, cmd *exec.Cmd) {
	t.Helper()
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
			t.Logf("%s: %s", filepath.Base(cmd.Path), text[max(0, len(text)-4000):])
		}
	})
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get("http://" + address)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusServiceUnavailable { // it has only begun to start
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not answer: %v", cmd.Path, err)
		}
	}
}

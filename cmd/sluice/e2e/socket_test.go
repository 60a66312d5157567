//go:build e2e

package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"sluice/internal/nettest"
)

func TestCurlDownloadsThroughAUnixSocket(t *testing.T) {
	const size = 4 << 20
	socket := filepath.Join(t.TempDir(), "s")
	unix := launch{schemes: []string{"http+unix"}}
	serve := func() *server {
		t.Helper()
		return unix.serve(t, t.TempDir(), "--http", "unix:"+socket, "--ftp", "")
	}

	killed := serve()
	killed.signal(syscall.SIGKILL)
	<-killed.exited
	killed.checked = true // the exit status does not matter
	if _, err := os.Lstat(socket); err != nil {
		t.Fatalf("the killed server left no socket: %v", err)
	}

	s := serve()
	s.file("f", size)
	for _, flags := range [][]string{nil, {"-C", "1234567"}} {
		dir := t.TempDir()
		off := int64(0)
		if flags != nil {
			off = 1_234_567
		}
		curl(t, dir, append(flags, "--unix-socket", socket, "-o", "got", "http://localhost/f")...)
		f, err := os.Stat(filepath.Join(dir, "got"))
		if err != nil || f.Size() != size-off {
			t.Errorf("got %v, %v, want %d bytes", f, err, size-off)
		}
		wantPattern(t, filepath.Join(dir, "got"), off, size-off)
		s.wantLogged("msg=http", fmt.Sprintf("bytes=%d", size-off), "method=sendfile")
	}
	s.signal(syscall.SIGTERM)
	s.wantExit(exitTime)
	if _, err := os.Lstat(socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket after the end: %v, want that it does not exist", err)
	}
}

// listeningSocket returns a listening socket on loopback, to be passed on as systemd does.
func listeningSocket(t *testing.T) *os.File {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close() // File returns a duplicate
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// The test makes the sockets and passes them on as systemd does.
func TestSystemdSocketsAreServed(t *testing.T) {
	const size = 1 << 20
	var files []*os.File
	for range 3 {
		files = append(files, listeningSocket(t))
	}
	activate := launch{
		wrapper: []string{"sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=3 LISTEN_FDNAMES=https:ftp:http exec "$@"`, "sh"},
		files:   files,
		schemes: []string{"http", "https", "ftp"},
	}
	s := activate.serve(t, t.TempDir(), "--http", "systemd", "--https", "systemd", "--ftp", "systemd", "--tls-self-signed")
	s.file("f", size)
	for scheme := range s.urls {
		dir := t.TempDir()
		curl(t, dir, "-k", "-o", "got", s.urlOf(scheme, "f"))
		wantPattern(t, filepath.Join(dir, "got"), 0, size)
	}
}

func TestReuseportSocketsAreServed(t *testing.T) {
	const size = 100_000
	s := start(t, "--reuseport", "4")
	s.file("f", size)
	for range 10 { // on any of the sockets
		dir := t.TempDir()
		curl(t, dir, "-o", "got", s.urlOf("http", "f"))
		wantPattern(t, filepath.Join(dir, "got"), 0, size)
	}
}

func TestTheProxyProtocolIsAcceptedFromTrustedProxiesOnly(t *testing.T) {
	const size = 100_000
	trusting, plain := start(t, "--proxy-from", "127.0.0.0/8"), start(t)
	for _, s := range []*server{trusting, plain} {
		s.file("f", size)
	}
	dir := t.TempDir()
	curl(t, dir, "--haproxy-protocol", "-o", "got", trusting.urlOf("http", "f"))
	wantPattern(t, filepath.Join(dir, "got"), 0, size)
	if got := via(t, trusting); got.N != size || got.SHA256 != nettest.PatternSum(0, size) {
		t.Errorf("got %d bytes, not the file", got.N)
	}
	trusting.wantLogged("msg=http", "remote=192.0.2.7:5678", "method=sendfile")

	if got := via(t, plain); got.N != 0 {
		t.Errorf("a server without --proxy-from served %d bytes", got.N)
	}
}

// via downloads the file f as a proxy for 192.0.2.7, and returns the content if the status
// is 200.
func via(t *testing.T, s *server) (got nettest.Got) {
	t.Helper()
	conn, err := dial(t.Context(), s.http.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "PROXY TCP4 192.0.2.7 192.0.2.1 5678 80\r\nGET /f HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", s.http.Host); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		return got
	}
	defer resp.Body.Close()
	return <-nettest.Sum(t, resp.Body)
}

//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// badLine is a way to a server that cuts connections.
type badLine struct {
	url *url.URL

	mu     sync.Mutex // guards the fields below
	target string
	cuts   []int64 // bytes from the client, after which each of the next connections is cut
	silent bool    // the server does not learn of the cut
	held   []net.Conn
}

// by returns a bad line to s.
func by(t *testing.T, s *server, silent bool, cuts ...int64) *badLine {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &badLine{url: &url.URL{Scheme: "http", Host: ln.Addr().String(), Path: "/"}, target: s.http.Host, silent: silent, cuts: cuts}
	t.Cleanup(func() {
		_ = ln.Close()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, c := range b.held {
			_ = c.Close()
		}
	})
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go b.carry(c)
		}
	}()
	return b
}

func (b *badLine) lead(s *server) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.target = s.http.Host
}

func (b *badLine) carry(client net.Conn) {
	defer client.Close()
	b.mu.Lock()
	target, most := b.target, int64(1)<<62
	b.mu.Unlock()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	}()
	b.mu.Lock()
	cut := len(b.cuts) > 0
	if cut {
		most, b.cuts = b.cuts[0], b.cuts[1:]
	}
	b.mu.Unlock()
	n, _ := io.CopyN(server, client, most)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case cut && n < most: // it had only small requests, so another one is cut
		b.cuts = append([]int64{most}, b.cuts...)
		_ = server.Close()
	case cut && b.silent:
		b.held = append(b.held, server)
	default:
		_ = server.Close()
	}
}

// tusUpload uploads a file with tus-js-client, and returns what that prints.
func tusUpload(t *testing.T, to *url.URL, up, name, protocol, chunk string) string {
	t.Helper()
	needs(t, "npm")
	modules, err := tusJSClient()
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(t, "testdata/tus-js-client", "node", "upload.js", to.String(), user, password, up, name, protocol, chunk)
	cmd.Env = append(cmd.Env, "NODE_PATH="+modules)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

var tusProtocols = []string{"tus-v1", "ietf-draft-05"}

func TestTusJSClientUploads(t *testing.T) {
	for _, protocol := range tusProtocols {
		for _, tt := range []struct {
			name, chunk string
			size        int64
		}{
			{"in one request", "0", 9 << 20}, {"in chunks", "1000000", 4_100_000}, {"with the creation", "create", 3 << 20}, {"no bytes", "0", 0},
		} {
			t.Run(protocol+" "+tt.name, func(t *testing.T) {
				s := startWritable(t)
				up := filepath.Join(t.TempDir(), "up")
				writePattern(t, up, tt.size)
				printed := tusUpload(t, s.http, up, "new file.bin", protocol, tt.chunk)
				wantPattern(t, s.path("new file.bin"), 0, tt.size)
				t.Log(printed)
				if tt.chunk == "0" && tt.size > 0 {
					s.wantLogged("msg=http", "op=PATCH", "user="+user, fmt.Sprintf("bytes=%d", tt.size), "method=splice")
				}
			})
		}
	}
}

func TestTusJSClientGoesOnAfterACutLine(t *testing.T) {
	const size = 9 << 20
	for _, protocol := range tusProtocols {
		for _, silent := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, silent %v", protocol, silent), func(t *testing.T) {
				s := startWritable(t)
				line := by(t, s, silent, 300_000, 4<<20)
				up := filepath.Join(t.TempDir(), "up")
				writePattern(t, up, size)
				begun := time.Now()
				printed := tusUpload(t, line.url, up, "f", protocol, "0")
				wantPattern(t, s.path("f"), 0, size)
				if !strings.Contains(printed, `"POST":1`) || !strings.Contains(printed, `"PATCH":3`) {
					t.Errorf("the client has begun again: %s", printed)
				}
				if took := time.Since(begun); took > 30*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		}
	}
}

// The server is killed at any point of an upload, and another one goes on with what it finds.
func TestTusJSClientGoesOnAfterACrashOfTheServer(t *testing.T) {
	const size = 64 << 20
	dir := t.TempDir()
	up := filepath.Join(dir, "up")
	writePattern(t, up, size)
	for _, protocol := range tusProtocols {
		for range times(2) {
			s := startForTwo(t, t.TempDir())
			line := by(t, s, false)
			done := make(chan string)
			go func() { done <- tusUpload(t, line.url, up, "f", protocol, "3000000") }()
			for running := true; running; {
				select {
				case <-done:
					running = false
				case <-time.After(time.Duration(rand.IntN(150)) * time.Millisecond): // at any point
					s.crash()
					if info, err := os.Stat(s.path("f")); err == nil && info.Size() != size {
						t.Fatalf("a file of %d bytes is visible", info.Size())
					}
					s = startForTwo(t, s.dir)
					line.lead(s)
				}
			}
			wantPattern(t, s.path("f"), 0, size)
		}
	}
}

func TestCurlUploadsAForm(t *testing.T) {
	s := startWritable(t)
	s.file("dir/old", 10)
	up := t.TempDir()
	writePattern(t, filepath.Join(up, "a"), 3<<20)
	writePattern(t, filepath.Join(up, "b"), 1000)
	printed := curl(t, up, "-u", login, "-F", "file=@a", "-F", "file=@b;filename=c", s.urlOf("http", "dir/"))
	if printed != "201 Created: \"a\"\n201 Created: \"c\"\n" {
		t.Errorf("curl printed %q", printed)
	}
	wantPattern(t, s.path("dir/a"), 0, 3<<20)
	wantPattern(t, s.path("dir/c"), 0, 1000)
	s.wantLogged("msg=http", "op=POST", "user="+user, "status=201", fmt.Sprintf("bytes=%d", 3<<20))
}

// A PUT that is cut begins again, as curl knows no other way.
func TestCurlUploadsAgainAfterACutLine(t *testing.T) {
	const size = 4 << 20
	s := startWritable(t)
	up := filepath.Join(t.TempDir(), "up")
	writePattern(t, up, size)
	out, status := try(t, filepath.Dir(up), "curl", "-sS", "--fail", "-u", login, "--limit-rate", "2M", "--max-time", "0.5", "-T", "up", s.urlOf("http", "f"))
	if status == 0 {
		t.Fatalf("curl was not cut: %s", out)
	}
	curl(t, filepath.Dir(up), "--fail", "-u", login, "-T", "up", s.urlOf("http", "f"))
	wantPattern(t, s.path("f"), 0, size)
}

//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// patience is the longest wait of a test, so that a failing test does not hang.
const patience = 30 * time.Second

// program is the path of the program under test.
var program string

func TestMain(m *testing.M) { os.Exit(buildAndTest(m)) }

func buildAndTest(m *testing.M) int {
	if err := onlyTorture(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "sluice-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // other users run the program too
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	program = filepath.Join(dir, "sluice")
	build := exec.Command("go", "build", "-o", program, "sluice/cmd/sluice")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // a static binary, as in containers
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "go build:", err)
		return 1
	}
	return m.Run()
}

// server is the program under test while it serves a directory.
type server struct {
	t    *testing.T
	dir  string              // the served directory
	urls map[string]*url.URL // the printed URLs by scheme; the path is /
	http *url.URL            // urls["http"]
	ftp  *url.URL            // urls["ftp"]
	out  *lines              // standard output
	log  *lines              // standard error

	process *os.Process
	exited  chan struct{} // closed when the program has ended and err is set
	err     error
	checked bool // the test has checked the end of the program, or expects no good one

	expected string // a part of the error lines that the log may have; "": none
}

// start serves a new directory over HTTP and FTP on loopback. At the end of the test
// the program gets SIGTERM and must exit with status 0.
func start(t *testing.T, flags ...string) *server {
	t.Helper()
	return startUnder(t, nil, t.TempDir(), flags...)
}

// startWritable is start with a user who may write: login.
func startWritable(t *testing.T, flags ...string) *server {
	t.Helper()
	return start(t, append([]string{"--user", login, "--write"}, flags...)...)
}

// The account of startWritable.
const (
	user     = "u"
	password = "secret"
	login    = user + ":" + password
)

// startUnder is start for an existing directory. If wrapper is not nil, it is a command
// that must execute the program in its own place, as env(1) does.
func startUnder(t *testing.T, wrapper []string, dir string, flags ...string) *server {
	t.Helper()
	flags = append([]string{"--http", "127.0.0.1:0", "--ftp", "127.0.0.1:0", "--ftp-active-local"}, flags...)
	s := launch{wrapper: wrapper, schemes: schemes}.serve(t, dir, flags...)
	s.http, s.ftp = s.urls["http"], s.urls["ftp"]
	return s
}

// launch says how to start a server.
type launch struct {
	wrapper []string   // see startUnder
	files   []*os.File // passed to the program as descriptors from 3 on
	schemes []string   // the program must print a URL of each
}

// serve starts a server for dir with exactly these flags, except those of asRoot, and
// waits for its URLs.
func (l launch) serve(t *testing.T, dir string, flags ...string) *server {
	t.Helper()
	argv := append(append(slices.Clone(l.wrapper), program, "serve"), append(asRoot(flags), dir)...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.ExtraFiles = environ(t), l.files
	cmd.WaitDelay = patience
	s := &server{t: t, dir: dir, urls: make(map[string]*url.URL), out: newLines(), log: newLines(), exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = s.out, s.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.process = cmd.Process
	go s.wait(cmd)
	t.Cleanup(func() {
		if !s.checked {
			_ = s.process.Signal(syscall.SIGTERM) // fails if the program has ended by itself
			s.wantExit(patience)
		}
	})
	for _, scheme := range l.schemes {
		s.urls[scheme] = s.url(scheme)
	}
	return s
}

// asRoot adds --run-as root to the flags if the tests run as root, unless the flags
// choose a user: the files of the tests belong to root, and only root may enter their
// directories.
func asRoot(flags []string) []string {
	if os.Geteuid() != 0 || slices.Contains(flags, "--run-as") || slices.Contains(flags, defaultUser) {
		return slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return f == defaultUser })
	}
	return append([]string{"--run-as", "root"}, flags...)
}

// defaultUser among the flags of a test starts the server without --run-as.
const defaultUser = "default user"

// wait waits for the end of the program and of its output.
func (s *server) wait(cmd *exec.Cmd) {
	s.err = cmd.Wait()
	s.out.end()
	s.log.end()
	close(s.exited)
}

// url waits for the program to print a URL of the given scheme.
func (s *server) url(scheme string) *url.URL {
	s.t.Helper()
	found := s.out.await(1, patience, func(line string) bool { return strings.HasPrefix(line, scheme+"://") })
	if len(found) == 0 {
		s.t.Fatalf("no URL of %s; output:\n%slog:\n%s", scheme, s.out, s.log)
	}
	u, err := url.Parse(found[0])
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

// signal sends the program a signal.
func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.process.Signal(sig); err != nil {
		s.t.Fatalf("%v: %v", sig, err)
	}
}

// wantExit waits for the end of the program, which must come within d, with status 0
// and without errors in the log.
func (s *server) wantExit(d time.Duration) {
	s.t.Helper()
	s.checked = true
	select {
	case <-s.exited:
	case <-time.After(d):
		_ = s.process.Kill()
		<-s.exited
		s.t.Errorf("the server did not end within %v; log:\n%s", d, s.log)
		return
	}
	if s.err != nil {
		s.t.Errorf("the server ended with %v, want status 0; log:\n%s", s.err, s.log)
	}
	for _, trouble := range []string{"panic", "fatal error", "DATA RACE", "level=ERROR"} {
		for line := range strings.Lines(s.log.String()) {
			if strings.Contains(line, trouble) && (s.expected == "" || !strings.Contains(line, s.expected)) {
				s.t.Errorf("the log has %q:\n%s", trouble, s.log)
				break
			}
		}
	}
	if got := strings.Count(s.out.String(), "\n"); got != len(s.urls) {
		s.t.Errorf("%d lines on standard output, want %d URLs:\n%s", got, len(s.urls), s.out)
	}
}

// path returns the path of a served file on the disk.
func (s *server) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// file makes a file of the pattern in the served directory.
func (s *server) file(name string, size int64) {
	s.t.Helper()
	writePattern(s.t, s.path(name), size)
}

// writePattern makes a file of the first size bytes of the pattern, with the
// directories above it.
func writePattern(t *testing.T, name string, size int64) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(io.NewOffsetWriter(f, 0), nettest.Pattern(size)); err != nil {
		t.Fatal(err)
	}
}

// wantPattern checks that a file consists of size bytes of the pattern from off on.
func wantPattern(t *testing.T, name string, off, size int64) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	want := nettest.Got{N: size, SHA256: nettest.PatternSum(off, size)}
	if got := <-nettest.Sum(t, f); got != want {
		t.Errorf("%s: got %d bytes, error %v, not the %d of the pattern at %d",
			filepath.Base(name), got.N, got.Err, size, off)
	}
}

// wantRefused waits until connections to the address are refused.
func wantRefused(t *testing.T, addr string) {
	t.Helper()
	eventually(t, addr+" refuses connections", func() bool {
		conn, err := net.DialTimeout("tcp", addr, patience)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
}

// eventually waits until a state is reached.
func eventually(t *testing.T, state string, reached func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !reached(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("not within %v: %s", patience, state)
			return
		}
	}
}

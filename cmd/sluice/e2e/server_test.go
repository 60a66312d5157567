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

// patience bounds every wait of a test, so that a failure is not a hang.
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
	if err := os.Chmod(dir, 0o755); err != nil { // other users run it too
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	program = filepath.Join(dir, "sluice")
	build := exec.Command("go", "build", "-o", program, "sluice/cmd/sluice")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // static, as it is for containers
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
	dir  string              // what it serves
	urls map[string]*url.URL // where, by scheme; the path is /
	http *url.URL            // two of them
	ftp  *url.URL
	out  *lines // its standard output
	log  *lines // its standard error

	process *os.Process
	exited  chan struct{} // closed when it is gone and err is set
	err     error
	checked bool // wantExit was called

	expected string // what errors in the log are about; "": there must be none
}

// start serves a new directory over HTTP and FTP on loopback, where the clients are too. The end of the
// test ends the program by SIGTERM and expects that it ends well.
func start(t *testing.T, flags ...string) *server {
	t.Helper()
	return startUnder(t, nil, t.TempDir(), flags...)
}

// startWritable is start with a user who may write: login.
func startWritable(t *testing.T, flags ...string) *server {
	t.Helper()
	return start(t, append([]string{"--user", login, "--write"}, flags...)...)
}

// The user of startWritable.
const (
	user     = "u"
	password = "secret"
	login    = user + ":" + password
)

// startUnder is start for a directory that is there already. If there is a
// wrapper, it is the command that runs the program, and must be replaced by it.
func startUnder(t *testing.T, wrapper []string, dir string, flags ...string) *server {
	t.Helper()
	flags = append([]string{"--http", "127.0.0.1:0", "--ftp", "127.0.0.1:0", "--ftp-active-local"}, flags...)
	s := launch{wrapper: wrapper, schemes: schemes}.serve(t, dir, flags...)
	s.http, s.ftp = s.urls["http"], s.urls["ftp"]
	return s
}

// launch is how a server is started.
type launch struct {
	wrapper []string   // as of startUnder
	files   []*os.File // its descriptors from 3 on
	schemes []string   // of the URLs that it is to print, one each
}

// serve starts a server for dir with exactly these flags and waits for its
// URLs.
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
			_ = s.process.Signal(syscall.SIGTERM) // it may have ended by itself
			s.wantExit(patience)
		}
	})
	for _, scheme := range l.schemes {
		s.urls[scheme] = s.url(scheme)
	}
	return s
}

// asRoot lets a server that root starts stay root, unless the test is about that: what the tests
// make belongs to root, and the directories above it let nobody else pass.
func asRoot(flags []string) []string {
	if os.Geteuid() != 0 || slices.Contains(flags, "--run-as") || slices.Contains(flags, defaultUser) {
		return slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return f == defaultUser })
	}
	return append([]string{"--run-as", "root"}, flags...)
}

// defaultUser among the flags of a test asks for the user that a server has without --run-as.
const defaultUser = "default user"

// wait waits for the end of the program and of what it says.
func (s *server) wait(cmd *exec.Cmd) {
	s.err = cmd.Wait()
	s.out.end()
	s.log.end()
	close(s.exited)
}

// url takes the URL of the given scheme from what the program has printed.
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

// wantExit waits for the end of the program, which must come within d and be
// a good one.
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

// path returns where on the disk the server has the file of that name.
func (s *server) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// file makes a file of the pattern in what is served.
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

// wantPattern expects that a file holds size bytes of the pattern from off on.
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

// wantRefused waits until nobody listens on the address any more.
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

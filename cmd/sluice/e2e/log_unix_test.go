//go:build e2e && unix

package e2e

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startWithLog serves a new directory with a log that goes to a pipe, and returns the end to read
// from. Requests are many: the test ends the server.
func startWithLog(t *testing.T, flags ...string) (s *server, log *os.File) {
	t.Helper()
	log, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	dir := t.TempDir()
	flags = append([]string{"serve", "--http", "127.0.0.1:0", "--ftp", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, asRoot(flags)...)
	cmd := exec.Command(program, append(flags, dir)...)
	cmd.Env = environ(t)
	s = &server{t: t, dir: dir, urls: make(map[string]*url.URL), out: newLines(), log: newLines(), exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = s.out, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close() // the program has the other copy
	s.process = cmd.Process
	go s.wait(cmd)
	t.Cleanup(func() {
		if !s.checked {
			_ = s.process.Kill()
			<-s.exited
		}
	})
	for _, scheme := range schemes {
		s.urls[scheme] = s.url(scheme)
	}
	s.http, s.ftp = s.urls["http"], s.urls["ftp"]
	return s, log
}

// logMany makes many requests with long lines in the log.
func (s *server) logMany(t *testing.T, n int) {
	t.Helper()
	long := "?" + strings.Repeat("x", 4000)
	for range n {
		resp, err := http.Get(s.urlOf("http", "f") + long)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("got %d, %v", resp.StatusCode, err)
		}
	}
}

// faults-trust.md, T11: a full pipe stopped everything, SIGTERM too.
func TestALogThatNobodyReadsStopsNothing(t *testing.T) {
	s, log := startWithLog(t, "--user", login)
	s.file("f", 1000)
	s.logMany(t, 2000) // 8 MB of lines: the pipe has 64 KiB, the queue 4 MiB
	c, err := dialFTP(t.Context(), s.ftp.Host, user, password)
	if err != nil {
		t.Fatal("log in by FTP:", err)
	}
	_ = c.conn.Close()
	s.signal(syscall.SIGHUP)
	s.logMany(t, 1)
	s.signal(syscall.SIGTERM)
	s.wantExit(exitTime)
	// The rest is what the pipe has.
	if text, err := io.ReadAll(log); err != nil || len(text) == 0 || len(text) > 1<<20 {
		t.Errorf("the pipe has %d bytes, %v", len(text), err)
	}
}

func TestALogThatIsReadAgainSaysWhatIsMissing(t *testing.T) {
	s, log := startWithLog(t)
	s.file("f", 1000)
	s.logMany(t, 2000)
	text := make(chan string)
	go func() {
		all, _ := io.ReadAll(log)
		text <- string(all)
	}()
	s.logMany(t, 1)
	s.signal(syscall.SIGTERM)
	s.wantExit(exitTime)
	all := <-text
	if n := strings.Count(all, `level=WARN msg="lines were dropped because the log could not be written" lines=`); n != 1 {
		t.Errorf("%d lines about missing lines, want 1", n)
	}
	if !strings.Contains(all, "msg=stopped") {
		t.Errorf("the log does not go on to the end: %q", all[max(len(all)-200, 0):])
	}
}

// SIGPIPE ended the program.
func TestAReaderOfTheLogThatEndsStopsNothing(t *testing.T) {
	s, log := startWithLog(t)
	s.file("f", 1000)
	s.logMany(t, 1)
	_ = log.Close()
	for begun := time.Now(); time.Since(begun) < time.Second; {
		s.logMany(t, 10)
	}
	s.signal(syscall.SIGTERM)
	s.wantExit(exitTime)
}

// A command that prints to a pipe without a reader still ends as other programs do.
func TestOnlyAServerOutlivesTheReaderOfItsOutput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	cmd := exec.Command(program, "version")
	cmd.Stdout = w
	err = cmd.Run()
	_ = w.Close()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGPIPE {
		t.Errorf("got %v, want SIGPIPE", err)
	}
}

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// fileOfPasswords makes a file by Apache's htpasswd, with a user for each of its
// options. The password of each user is its name.
func fileOfPasswords(t *testing.T, options ...string) (name string) {
	t.Helper()
	needs(t, "htpasswd")
	name = filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(name, []byte("# users\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, option := range options {
		user := "u" + strings.TrimPrefix(option, "-")
		run(t, "", "htpasswd", option, "-b", name, user, user)
	}
	return name
}

func TestUsersOfHtpasswdLogInByLftp(t *testing.T) {
	file := fileOfPasswords(t, "-B", "-m", "-s")
	line := strings.Trim(strings.Fields(hashLine(t, "usluice"))[2], "\"\n")
	appendTo(t, file, "usluice:"+line+"\n")
	conf := writeConfig(t, "", "[user.um]\nhome = '/home'\nrights = ['list', 'read']\n")
	s := startWritable(t, "--users", file, "--config", conf, "--anonymous=false")
	s.file("f", 100_000)
	s.file("home/mine", 1000)
	for _, user := range []string{"uB", "us", "usluice"} {
		dir := t.TempDir()
		run(t, dir, "lftp", "-c", "set net:max-retries 1; open -u "+user+","+user+" "+s.ftp.String()+"; get f; put f -o "+user)
		wantPattern(t, s.path(user), 0, 100_000)
	}
	dir := t.TempDir()
	const asHome = "set net:max-retries 1; open -u um,um "
	run(t, dir, "lftp", "-c", asHome+s.ftp.String()+"; get mine")
	wantPattern(t, filepath.Join(dir, "mine"), 0, 1000)
	if printed, status := try(t, dir, "lftp", "-c", asHome+s.ftp.String()+"; put mine -o new"); status == 0 {
		t.Errorf("um has written:\n%s", printed)
	}

	// A reload reads the file again.
	run(t, "", "htpasswd", "-D", file, "uB")
	run(t, "", "htpasswd", "-B", "-b", file, "us", "changed")
	s.signal(syscall.SIGHUP)
	s.wantLogged("again\"", "users=4") // with the one of startWritable
	for _, tt := range []struct {
		name, user string
		status     int // of curl
	}{
		{"a user who was removed", "uB:uB", 67},
		{"an old password", "us:us", 67},
		{"a new password", "us:changed", 0},
	} {
		if printed, status := try(t, dir, "curl", "-sS", "-u", tt.user, "-I", s.urlOf("ftp", "f")); status != tt.status {
			t.Errorf("%s: status %d, want %d:\n%s", tt.name, status, tt.status, printed)
		}
	}
	appendTo(t, file, "eve:tops3cret\n")
	s.signal(syscall.SIGHUP)
	s.wantLogged("level=WARN", "stays\"", "eve:")
	if _, status := try(t, dir, "curl", "-sS", "-u", "us:changed", "-I", s.urlOf("ftp", "f")); status != 0 {
		t.Errorf("after a file with a mistake: status %d, want 0", status)
	}
}

func TestUsersLogInOnlyFromTheirNetworks(t *testing.T) {
	needs(t, "curl")
	line := hashLine(t, "secret")
	conf := writeConfig(t, "", "[user.alice]\nnetworks = ['127.0.0.0/31', '::1']\n"+line+"[user.anonymous]\nnetworks = ['127.0.0.2']\n")
	s := start(t, "--config", conf)
	s.file("f", 1000)
	for _, tt := range []struct {
		name, user, addr string
		status           int // of curl
	}{
		{"a user", "alice:secret", "127.0.0.1", 0},
		{"a user from elsewhere", "alice:secret", "127.0.0.2", 67},
		{"a wrong password from elsewhere", "alice:wrong", "127.0.0.2", 67},
		{"a guest", "anonymous:x", "127.0.0.2", 0},
		{"a guest from elsewhere", "anonymous:x", "127.0.0.1", 67},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if printed, status := try(t, t.TempDir(), "curl", "-sSv", "--interface", tt.addr, "-u", tt.user, "-I", s.urlOf("ftp", "f")); status != tt.status || status != 0 && !strings.Contains(printed, "530 Login incorrect") {
				t.Errorf("status %d, want %d:\n%s", status, tt.status, printed)
			}
		})
	}
	s.wantLogged("refused\"", "(networks", "alice)\"")
}

func appendTo(t *testing.T, name, text string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// Forty strangers at addresses of their own guess as fast as they can, with more than
// 200 attempts before the end of the test.
func TestARightPasswordPassesWhileStrangersGuess(t *testing.T) {
	conf := writeConfig(t, "", "[user.alice]\n"+hashLine(t, "secret"))
	s := start(t, "--config", conf)
	s.file("f", 1000)
	const strangers, attempts = 40, 200
	logIn := func() {
		t.Helper()
		c, err := dialFTP(t.Context(), s.ftp.Host, "alice", "secret")
		if err != nil {
			t.Fatal(err)
		}
		_ = c.conn.Close()
	}
	logIn()
	ctx, stop := context.WithCancel(t.Context())
	var guessing sync.WaitGroup
	var sent atomic.Int64
	for i := range strangers {
		guessing.Go(func() {
			dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(i+1))}}
			for ctx.Err() == nil {
				conn, err := dialer.DialContext(ctx, "tcp", s.ftp.Host)
				if err != nil {
					continue // too many at a time
				}
				_, _ = fmt.Fprintf(conn, "USER %s\r\nPASS x\r\n", []string{"alice", "nobody"}[i%2])
				sent.Add(1)
				_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
				_, _ = io.Copy(io.Discard, conn) // it does not wait for the delayed reply
				_ = conn.Close()
			}
		})
	}
	eventually(t, "200 guesses were sent", func() bool { return sent.Load() >= attempts })
	var slowest time.Duration
	for range 20 {
		begun := time.Now()
		logIn()
		slowest = max(slowest, time.Since(begun))
	}
	stop()
	guessing.Wait()
	t.Logf("%d guesses; the slowest of 20 right logins took %v", sent.Load(), slowest)
	if slowest > 5*time.Second { // one that waits for strangers takes longer
		t.Errorf("a login took %v", slowest)
	}
}

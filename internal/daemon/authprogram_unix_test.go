//go:build unix

package daemon

import (
	"bytes"
	"context"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/internal/config"
	"sluice/internal/nettest"
	"sluice/internal/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.RunHelper()
	os.Exit(m.Run())
}

// checkScript is a program for --auth-program. It counts its runs in the file calls next to it.
const checkScript = `#!/bin/sh
read -r line
echo x >>"${0%/*}/calls"
case $line in
*'"password":"secret"'*) test ! -e "${0%/*}/removed" || { echo '{"ok":false}'; exit; };;
*) echo '{"ok":false}'; exit;;
esac
case $line in
'{"user":"carol",'*',"remote":"127.0.0.1","protocol":"'*) echo '{"ok":true,"home":"/carol","rights":["all"],"max-sessions":3}';;
*'"user":"http"'*'"protocol":"http","tls":false}') echo '{"ok":true}';;
*'"user":"canonical"'*) echo '{"ok":true,"name":"carol","home":"/carol"}';;
*'"user":"elsewhere"'*) echo '{"ok":true,"networks":["192.0.2.0/24"]}';;
*'"user":"paths"'*) echo '{"ok":true,"rights":["list"],"path":[{"path":"/carol","rights":["read"]}]}';;
*'"user":"local"'*) echo '{"ok":true,"name":"alice"}';;
*'"user":"hangs"'*) sleep 1000;;
*'"user":"dies"'*) kill -KILL $$;;
*'"user":"garbage"'*) echo "$line";;
*'"user":"unknown key"'*) echo '{"ok":true,"colour":"red"}';;
*'"user":"huge"'*) head -c 100000 /dev/zero;;
*'"user":"messages"'*) echo 'two
lines' >&2; echo '{"ok":true}';;
*) echo '{"ok":false}';;
esac
`

// programTest is a loginTest with checkScript.
type programTest struct {
	*loginTest
	calls string // a file with a byte and a line break for each run
}

func newProgramTest(t *testing.T, change func(*config.Config)) *programTest {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "check")
	if err := os.WriteFile(program, []byte(checkScript), 0o755); err != nil {
		t.Fatal(err)
	}
	conf := confWith(t, aliceTable, func(c *config.Config) {
		c.Anonymous, c.AuthProgram.Path, c.AuthProgram.Timeout = false, program, 20*time.Second
	})
	if change != nil {
		change(&conf)
	}
	d := &programTest{newLoginTest(t, conf), filepath.Join(dir, "calls")}
	if err := d.startAuthProgram(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.checker.Close() })
	d.write(t, map[string]string{"f": "of all", "carol/f": "of carol", "carol/only": "x"})
	return d
}

func (d *programTest) runs(t *testing.T) int {
	t.Helper()
	content, err := os.ReadFile(d.calls)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return bytes.Count(content, []byte("\n"))
}

// logged returns what was logged since the last call.
func (d *programTest) logged() string {
	d.daemon.log.Flush()
	defer d.reloadTest.log.Reset()
	return d.reloadTest.log.String()
}

// failToLogInFTP wants the reply to the right password.
func (d *programTest) failToLogInFTP(t *testing.T, user, want string) {
	t.Helper()
	if got := refuseFTP(t, d.ftp, user, "secret"); "530 "+got != want {
		t.Errorf("%s: got %q, want %q", user, got, want)
	}
}

func TestUsersOfAProgramLogInByHTTPAndFTP(t *testing.T) {
	d := newProgramTest(t, nil)
	for _, user := range []string{"carol", "canonical"} {
		if status, body := d.get(t, user, "/f"); status != http.StatusOK || body != "of carol" {
			t.Errorf("%s by HTTP: got %d, %q", user, status, body)
		}
		if data, ok := d.retrieve(t, user, "RETR /f"); !ok || data != "of carol" {
			t.Errorf("%s by FTP: got %q, %v", user, data, ok)
		}
	}
	if status, body := d.get(t, "http", "/f"); status != http.StatusOK || body != "of all" {
		t.Errorf("a user without a home: got %d, %q", status, body)
	}
	// Users of the files win, and the program is not asked.
	before := d.runs(t)
	if status, body := d.get(t, "alice", "/f"); status != http.StatusOK || body != "of all" || d.runs(t) != before {
		t.Errorf("a user of the file: got %d, %q", status, body)
	}
	for _, user := range []string{"nobody", "anonymous"} {
		if status, _ := d.get(t, user, "/f"); status != http.StatusUnauthorized {
			t.Errorf("%s: got %d", user, status)
		}
	}
}

func TestARightPasswordNeedsOneRun(t *testing.T) {
	d := newProgramTest(t, nil)
	for range 20 {
		if status, _ := d.get(t, "carol", "/f"); status != http.StatusOK {
			t.Fatalf("got %d", status)
		}
	}
	if got := d.runs(t); got != 1 {
		t.Errorf("%d runs for 20 requests, want 1", got)
	}
}

func TestUsersOfAProgramWriteOnlyWithWrite(t *testing.T) {
	for _, write := range []bool{false, true} {
		d := newProgramTest(t, func(c *config.Config) { c.Write = write })
		want := 550
		if write {
			want = 250
		}
		d.logInFTP(t, "carol").cmd(t, want, "DELE /only")
	}
}

func TestAProgramThatFailsIsNoWrongPassword(t *testing.T) {
	nettest.CheckLeaks(t)
	d := newProgramTest(t, func(c *config.Config) { c.AuthProgram.Timeout = 2 * time.Second })
	for user, want := range map[string]string{
		"hangs": "killed because it had not ended after 2s", "dies": "signal: killed", "garbage": `lacks \"ok\"`,
		"unknown key": `unknown key \"colour\"`, "huge": "more than 16384 bytes", "local": "the user alice, who has a password here",
	} {
		d.logged()
		if status, _ := d.get(t, user, "/f"); status != http.StatusServiceUnavailable {
			t.Errorf("%s by HTTP: got %d, want 503", user, status)
		}
		if log := d.logged(); !strings.Contains(log, `msg="http login not possible"`) || !strings.Contains(log, want) || strings.Contains(log, "secret") || strings.Contains(log, "refused") {
			t.Errorf("%s by HTTP: the log lacks %q, or has a password:\n%s", user, want, log)
		}
		if user == "hangs" {
			continue
		}
		d.failToLogInFTP(t, user, "530 Login is not possible now")
		if log := d.logged(); !strings.Contains(log, `msg="ftp login not possible"`) || !strings.Contains(log, want) || strings.Contains(log, "secret") {
			t.Errorf("%s by FTP: the log lacks %q, or has a password:\n%s", user, want, log)
		}
	}
	if got := d.users.Throttle().Failed("x", netip.MustParseAddr("127.0.0.1")); got != time.Second {
		t.Errorf("after failures of the program a wrong password waits %v: they were counted", got)
	}
	// Afterwards it works.
	if status, _ := d.get(t, "carol", "/f"); status != http.StatusOK {
		t.Errorf("carol: got %d", status)
	}
	if err := d.checker.Close(); err != nil {
		t.Error(err)
	}
	if status, _ := d.get(t, "http", "/f"); status != http.StatusServiceUnavailable {
		t.Errorf("without the helper: got %d", status)
	}
}

func TestMessagesOfAProgramAreLogged(t *testing.T) {
	d := newProgramTest(t, nil)
	if status, _ := d.get(t, "messages", "/f"); status != http.StatusOK {
		t.Errorf("got %d", status)
	}
	if log := d.logged(); !strings.Contains(log, " text=two\n") || !strings.Contains(log, " text=lines\n") {
		t.Errorf("the log is\n%s", log)
	}
}

func TestManyUsersOfAProgramLogInAtOnce(t *testing.T) {
	d := newProgramTest(t, func(c *config.Config) { c.AuthProgram.Cache = 0 })
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				if status, body := d.get(t, "http", "/f"); status != http.StatusOK || body != "of all" {
					t.Errorf("got %d, %q", status, body)
				}
			}
		})
	}
	all.Wait()
	if got := d.runs(t); got < 40 {
		t.Errorf("%d runs for 40 requests without a cache", got)
	}
}

func TestUsersOfAProgramHaveNetworksAndRightsByPath(t *testing.T) {
	d := newProgramTest(t, nil)
	for target, want := range map[string]int{"/f": 403, "/carol/f": 200} {
		if status, _ := d.get(t, "paths", target); status != want {
			t.Errorf("%s: got %d, want %d", target, status, want)
		}
	}
	if _, ok := d.retrieve(t, "paths", "RETR /f"); ok {
		t.Error("/f can be read by FTP")
	}
	if data, ok := d.retrieve(t, "paths", "RETR /carol/f"); !ok || data != "of carol" {
		t.Errorf("/carol/f by FTP: got %q, %v", data, ok)
	}
	if status, _ := d.get(t, "elsewhere", "/f"); status != http.StatusUnauthorized {
		t.Errorf("from another network: got %d", status)
	}
	if log := d.logged(); !strings.Contains(log, "may not log in from this address (networks of the user elsewhere)") {
		t.Errorf("the log lacks the reason:\n%s", log)
	}
	if cookie := d.logInByPage(t, "elsewhere", "secret"); cookie != "" {
		t.Error("from another network the page lets a user in")
	}
}

// A session of the login page costs no further run, and lasts until the program refuses the
// password that it was begun with, or forgets it at SIGHUP.
func TestUsersOfAProgramLogInByThePage(t *testing.T) {
	d := newProgramTest(t, func(c *config.Config) { c.AuthProgram.Cache = 0 })
	wants := func(what, cookie string, want int) {
		t.Helper()
		before := d.runs(t)
		if got := d.statusFor(t, cookie, "/only"); got != want || d.runs(t) != before {
			t.Errorf("%s: got %d, want %d", what, got, want)
		}
	}
	if d.logInByPage(t, "carol", "wrong") != "" || d.logInByPage(t, "nobody", "secret") != "" {
		t.Error("a wrong password is right")
	}
	first := d.logInByPage(t, "carol", "secret")
	wants("after the login", first, 200)
	second := d.logInByPage(t, "carol", "secret")
	wants("the first of two", first, 200)
	wants("the second of two", second, 200)
	canonical := d.logInByPage(t, "canonical", "secret")
	wants("with another name for it", canonical, 200)

	if _, err := d.sessions.Revoke(func(s httpd.Session) bool { return s.User == "carol" }); err != nil {
		t.Fatal(err)
	}
	wants("revoked", first, 401)
	wants("revoked", second, 401)
	wants("of another name", canonical, 200)

	carol := d.logInByPage(t, "carol", "secret")
	removed := filepath.Join(filepath.Dir(d.calls), "removed")
	if err := os.WriteFile(removed, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if status, _ := d.get(t, "carol", "/only"); status != 401 {
		t.Errorf("a removed user: got %d", status)
	}
	wants("after the program has refused the password", carol, 401)
	if err := os.Remove(removed); err != nil {
		t.Fatal(err)
	}

	carol = d.logInByPage(t, "carol", "secret")
	wants("logged in again", carol, 200)
	signals := make(chan os.Signal)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { d.reloadOnSignal(ctx, signals, nil); close(done) }()
	d.conf.File, d.conf.UsersFile = "", ""
	signals <- syscall.SIGHUP
	cancel()
	<-done
	wants("after SIGHUP", carol, 401)
}

func TestAReloadForgetsWhatAProgramHasAnswered(t *testing.T) {
	d := newProgramTest(t, nil)
	for i := range 2 {
		if status, _ := d.get(t, "carol", "/f"); status != http.StatusOK || d.runs(t) != i+1 {
			t.Errorf("got %d after %d runs, want %d", status, d.runs(t), i+1)
		}
		if _, err := d.again(d.conf); err != nil {
			t.Fatal(err)
		}
	}
}

func TestProgramsThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	open := filepath.Join(dir, "open")
	for _, d := range []string{root, open} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file := func(name string, mode os.FileMode) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(checkScript), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		return name
	}
	file("root/in", 0o755)
	inOpen := file("open/x", 0o755)
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("root/in", link); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, path, want string }{
		{"a missing one", filepath.Join(dir, "none"), "no such file"},
		{"a directory", dir, "no regular file"},
		{"one that is not executable", file("text", 0o644), "chmod +x"},
		{"one that all may change", file("all", 0o757), "chmod o-w"},
		{"one that all may replace", inOpen, "chmod o-w " + open},
		{"one that is served", filepath.Join(root, "in"), "in the served directory"},
		{"a link to one that is served", link, "in the served directory"},
		{"a good one", file("good", 0o755), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conf := config.Default()
			conf.Root, conf.AuthProgram.Path = root, tt.path
			p, err := openDaemon(t, conf).authProgram()
			if tt.want == "" {
				if err != nil || p.Path != tt.path {
					t.Errorf("got %+v, %v", p, err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), "--auth-program "+tt.path+": ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// daemonID is the ID of Debian's user and group daemon.
const daemonID = 1

// ownedDir returns a directory that belongs to daemon, so a server of root runs as
// daemon.
func ownedDir(t *testing.T) string {
	t.Helper()
	dir := publicDir(t)
	if err := os.Chown(dir, daemonID, daemonID); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAServerOfRootBecomesTheOwnerOfItsDirectory(t *testing.T) {
	needsRoot(t)
	dir := ownedDir(t)
	writePattern(t, filepath.Join(dir, "f"), 1<<20)
	admin := filepath.Join(publicDir(t), "admin")
	s := startUnder(t, nil, dir, defaultUser, "--user", login, "--write", "--admin", "unix:"+admin)
	s.wantLogged("msg=contained", "user=daemon", "capabilities=none", "lacks=none")

	got := t.TempDir()
	curl(t, got, "-o", "f", s.urlOf("http", "f"))
	wantPattern(t, filepath.Join(got, "f"), 0, 1<<20)
	curl(t, got, "-u", login, "-T", "f", "--ftp-create-dirs", s.urlOf("ftp", "new/g"))
	curl(t, got, "-u", login, "-Q", "RNFR new/g", "-Q", "RNTO moved", s.urlOf("ftp", ""))
	wantPattern(t, filepath.Join(dir, "moved"), 0, 1<<20)
	info, err := os.Stat(filepath.Join(dir, "moved"))
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != daemonID {
		t.Errorf("the upload is %v, %v, want a file of daemon", info, err)
	}

	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", s.process.Pid))
	if err != nil || len(threads) < 2 {
		t.Fatalf("threads %v, %v", threads, err)
	}
	for _, name := range threads {
		status, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // the thread has ended
		}
		for _, line := range []string{"Uid:\t1\t1\t1\t1", "Gid:\t1\t1\t1\t1", "Groups:\t ", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
			if !strings.Contains(string(status), line+"\n") {
				t.Errorf("%s lacks %q:\n%s", name, line, status)
			}
		}
	}

	var st struct {
		Server struct {
			Process struct{ FDs, RSS *int }
			Host    struct {
				CPU             *struct{}
				ListenOverflows *int `json:"listen_overflows"`
			}
			Contained struct {
				User, Landlock, Seccomp string
				UID                     int
				NoNewPrivs              bool `json:"no_new_privs"`
				Capabilities, Lacks     []string
			}
		}
	}
	body := run(t, got, "curl", "-sS", "--unix-socket", admin, "http://localhost/status.json")
	if err := json.Unmarshal([]byte(body), &st); err != nil {
		t.Fatal(err)
	}
	if c := st.Server.Contained; c.User != "daemon" || c.UID != daemonID || !c.NoNewPrivs || c.Landlock == "" || c.Seccomp == "" || len(c.Capabilities)+len(c.Lacks) != 0 {
		t.Errorf("/status.json has %+v", c)
	}
	if st.Server.Process.FDs == nil {
		t.Errorf("/status.json lacks the process:\n%s", body)
	}
	if h := st.Server.Host; h.CPU == nil || h.ListenOverflows == nil {
		t.Errorf("/status.json lacks the host:\n%s", body)
	}
}

func TestTheUserOfAServer(t *testing.T) {
	needsRoot(t)
	for _, tt := range []struct {
		name  string
		flags []string
		want  []string // fields of the log line
	}{
		{"nobody, for a directory of root", []string{defaultUser}, []string{"user=nobody"}},
		{"a named one", []string{"--run-as", "daemon"}, []string{"user=daemon"}},
		{"one with another group", []string{"--run-as", "daemon:nogroup"}, []string{"user=daemon"}},
		{"root", []string{"--run-as", "root"}, []string{"user=root", "capabilities=chown,dac_override,dac_read_search,fowner,fsetid,net_bind_service"}},
		{"another user without a sandbox", []string{"--run-as", "daemon", "--sandbox", "off"}, []string{"user=daemon", "landlock=none", "seccomp=none"}},
		{"a sandbox that is required", []string{"--run-as", "daemon", "--sandbox", "required"}, []string{"user=daemon", "lacks=none"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := publicDir(t)
			put(t, filepath.Join(dir, "f"))
			s := startUnder(t, nil, dir, tt.flags...)
			s.wantLogged(append(tt.want, "msg=contained")...)
			if got := run(t, t.TempDir(), "curl", "-sS", s.urlOf("http", "f")); got != "content" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// checkProgram returns a program for --auth-program in a directory that everyone may enter.
func checkProgram(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(publicDir(t), "check")
	if err := os.WriteFile(name, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestASandboxedServerAsksItsProgram(t *testing.T) {
	needsRoot(t)
	const script = `#!/bin/sh
read -r line
case $line in
*'"user":"alice","password":"secret"'*) echo "{\"ok\":true,\"home\":\"/$(id -un)\"}";;
*) echo '{"ok":false}';;
esac
`
	for _, tt := range []struct{ name, runAs, home string }{
		{"as the user of the server", "", "daemon"},
		{"as root", "root", "root"},
		{"as another user", "nobody", "nobody"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := ownedDir(t)
			put(t, filepath.Join(dir, tt.home, "f"))
			s := startUnder(t, nil, dir, defaultUser, "--auth-program", checkProgram(t, script), "--auth-run-as", tt.runAs, "--anonymous=false", "--sandbox", "required")
			s.wantLogged("msg=contained", "user=daemon", "capabilities=none", "lacks=none")
			for _, scheme := range []string{"http", "ftp"} {
				if got := run(t, t.TempDir(), "curl", "-sS", "-u", "alice:secret", s.urlOf(scheme, "f")); got != "content" {
					t.Errorf("%s: got %q", scheme, got)
				}
				if out, status := try(t, t.TempDir(), "curl", "-sSf", "-u", "alice:wrong", s.urlOf(scheme, "f")); status == 0 {
					t.Errorf("%s: a wrong password got %q", scheme, out)
				}
			}
			wantPageLogin(t, s)
		})
	}
}

// wantPageLogin logs alice in by the login page, as a browser does. A hangup ends her session.
func wantPageLogin(t *testing.T, s *server) {
	t.Helper()
	dir := t.TempDir()
	logIn := func(password string) string {
		return run(t, dir, "curl", "-sS", "-c", "jar", "-o", "none", "-w", "%{http_code}", "-d", "username=alice&password="+password, s.urlOf("http", "")+"?login")
	}
	if got := logIn("wrong"); got != "401" {
		t.Errorf("a wrong password: %s", got)
	}
	if got := logIn("secret"); got != "303" {
		t.Errorf("the login page: %s", got)
	}
	get := func() string { return run(t, dir, "curl", "-sS", "-b", "jar", s.urlOf("http", "f")) }
	if got := get(); got != "content" {
		t.Errorf("with the cookie: %q", got)
	}
	s.signal(syscall.SIGHUP)
	eventually(t, "the session ends", func() bool { return get() != "content" })
	if got := logIn("secret"); got != "303" || get() != "content" {
		t.Errorf("after another login: %s", got)
	}
}

func TestAServerThatCouldNotDoItsWorkDoesNotStart(t *testing.T) {
	needsRoot(t)
	private := publicDir(t)
	if err := os.Chmod(private, 0o700); err != nil {
		t.Fatal(err)
	}
	homes := ownedDir(t)
	put(t, filepath.Join(homes, "alice/f")) // her home belongs to root
	conf := writeConfig(t, "", "[user.alice]\nhome = '/alice'\nrights = ['all']\n"+hashLine(t, "x"))
	secretProgram := put(t, filepath.Join(private, "check"))
	if err := os.Chmod(secretProgram, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		flags  []string
		status int
		want   []string
	}{
		{"a user may write, and nobody may not", []string{"--user", login, "--write", publicDir(t)}, 1, []string{"user nobody, who may not", "chown -R nobody", "--run-as OWNER", "--run-as root"}},
		{"a home cannot be written to", []string{"--config", conf, homes}, 1, []string{"alice may write to " + homes + "/alice", "user daemon", "--run-as"}},
		{"the directory cannot be read", []string{private}, 1, []string{"nobody may not read " + private, "chown", "--run-as root"}},
		{"ports that only root may open", []string{"--ftp-passive-ports", "900-910", publicDir(t)}, 1, []string{"--ftp-passive-ports 900-910", "--run-as root"}},
		{"a program that the server's user may not run", []string{"--auth-program", secretProgram, publicDir(t)}, 2, []string{"--auth-program " + private, "may not run it", "--auth-run-as"}},
		{"an unknown user", []string{"--run-as", "nix", publicDir(t)}, 2, []string{`--run-as nix: there is no user "nix"`}},
		{"an unknown mode", []string{"--sandbox", "on", publicDir(t)}, 2, []string{`--sandbox "on" is none of auto, off, required`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, status := try(t, t.TempDir(), program, append([]string{"serve", "--http", "127.0.0.1:0", "--ftp", "127.0.0.1:0"}, tt.flags...)...)
			if status != tt.status || strings.Contains(out, "http://") {
				t.Errorf("exit status %d, want %d, and no URL:\n%s", status, tt.status, out)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("lacks %q:\n%s", want, out)
				}
			}
		})
	}
}

// After the server has changed its user, it still reloads files that only root may
// read.
func TestAContainedServerReadsItsFilesAgain(t *testing.T) {
	needsRoot(t)
	alice, bob := "[user.alice]\n"+hashLine(t, "a"), "[user.bob]\n"+hashLine(t, "b")
	conf := writeConfig(t, "", alice)
	p, next := newPair(t), newPair(t)
	dir := publicDir(t)
	put(t, filepath.Join(dir, "f"))
	flags := append([]string{"--http", "", "--https", "127.0.0.1:0", "--ftp", "127.0.0.1:0", "--config", conf, defaultUser}, p.flags()...)
	s := launch{schemes: []string{"https", "ftp"}}.serve(t, dir, flags...)
	s.wantLogged("msg=contained", "user=nobody")
	login := func(user string) int {
		_, status := try(t, t.TempDir(), "curl", "-sS", "-u", user, "-I", s.urlOf("ftp", "f"))
		return status
	}
	if got := login("bob:b"); got != 67 {
		t.Errorf("bob before: status %d, want 67", got)
	}
	writeConfig(t, conf, alice+bob)
	s.signal(syscall.SIGHUP)
	s.wantLogged("file="+conf, "users=2")
	if got := login("bob:b"); got != 0 {
		t.Errorf("bob after: status %d, want 0", got)
	}

	for from, to := range map[string]string{next.cert(): p.cert(), next.key(): p.key()} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the server uses the new certificate", func() bool { return s.fingerprint() == next.fingerprint })

	// A file that was not named at the start cannot be opened, so the reload changes
	// nothing.
	another := newPair(t)
	writeConfig(t, conf, fmt.Sprintf("admin = '127.0.0.1:0'\nadmin-token-file = %q\n", another.cert())+alice)
	s.signal(syscall.SIGHUP)
	s.wantLogged("level=WARN", "stays\"", "named")
	if got := login("bob:b"); got != 0 {
		t.Errorf("bob after a reload that failed: status %d, want 0", got)
	}
}

func TestWritersAddedByAReloadNeedARestart(t *testing.T) {
	needsRoot(t)
	readers := "[user.alice]\nrights = ['list', 'read']\n" + hashLine(t, "a")
	conf := writeConfig(t, "", readers)
	dir := ownedDir(t)
	s := startUnder(t, nil, dir, defaultUser, "--config", conf)
	writeConfig(t, conf, strings.Replace(readers, "'read'", "'read', 'create'", 1))
	s.signal(syscall.SIGHUP)
	s.wantLogged("file=" + conf)
	s.wantLogged("level=WARN", "user=alice")
	up := put(t, filepath.Join(t.TempDir(), "up"))
	if out, status := try(t, filepath.Dir(up), "curl", "-sS", "-u", "alice:a", "-T", "up", s.urlOf("ftp", "up")); status != 25 {
		t.Errorf("an upload: status %d, want 25 (refused):\n%s", status, out)
	}
}

func TestAUnixSocketBelongsToTheUserOfTheServer(t *testing.T) {
	needsRoot(t)
	socket := filepath.Join(publicDir(t), "http") // the directory belongs to root
	s := launch{schemes: []string{"http+unix"}}.serve(t, publicDir(t), "--http", "unix:"+socket, "--ftp", "", "--run-as", "daemon")
	info, err := os.Lstat(socket)
	if err != nil {
		t.Fatal(err)
	}
	if st := info.Sys().(*syscall.Stat_t); st.Uid != daemonID || st.Gid != daemonID || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket has user %d, group %d and mode %v, want 1, 1 and 0660", st.Uid, st.Gid, info.Mode())
	}
	s.signal(syscall.SIGTERM)
	s.wantExit(exitTime)
	if _, err := os.Lstat(socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket after the end: %v, want that it does not exist", err)
	}
}

func TestTheHelperEndsWithAServerThatIsKilled(t *testing.T) {
	needsRoot(t)
	conf := writeConfig(t, "", "max-conns = 7\n")
	s := startUnder(t, nil, publicDir(t), defaultUser, "--config", conf)
	helpers := func() (all []string) {
		names, _ := filepath.Glob("/proc/[0-9]*/status")
		for _, name := range names {
			status, _ := os.ReadFile(name)
			if strings.Contains(string(status), "\nPPid:\t"+strconv.Itoa(s.process.Pid)+"\n") {
				all = append(all, filepath.Dir(name))
			}
		}
		return all
	}
	all := helpers()
	if len(all) != 1 {
		t.Fatalf("the server has the children %v, want one", all)
	}
	if environ, err := os.ReadFile(all[0] + "/environ"); err != nil || len(environ) > 0 {
		t.Errorf("its environment is %q, %v, want none: there may be passwords in it", environ, err)
	}
	status, err := os.ReadFile(all[0] + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"CapEff:\t0000000000000004", "CapBnd:\t0000000000000004", "NoNewPrivs:\t1", "Seccomp:\t2"} { // 4: only CAP_DAC_READ_SEARCH
		if !strings.Contains(string(status), line+"\n") {
			t.Errorf("the helper lacks %q:\n%s", line, status)
		}
	}
	s.signal(syscall.SIGKILL)
	<-s.exited
	s.checked = true
	eventually(t, "the helper has ended", func() bool {
		_, err := os.Stat(all[0])
		return errors.Is(err, fs.ErrNotExist)
	})
}

// The server binds ports below 1024 before it changes its user, and accepts the sockets
// of systemd.
func TestAPrivilegedPortIsServedByAnotherUser(t *testing.T) {
	needsRoot(t)
	dir := publicDir(t)
	put(t, filepath.Join(dir, "f"))
	s := launch{
		wrapper: []string{"sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=ftp exec "$@"`, "sh"},
		files:   []*os.File{listeningSocket(t)}, schemes: []string{"http", "ftp"},
	}.serve(t, dir, "--http", "127.0.0.1:847", "--ftp", "systemd", "--run-as", "daemon")
	s.wantLogged("msg=contained", "user=daemon")
	resp, err := http.Get(s.urlOf("http", "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("by HTTP: got %s", resp.Status)
	}
	curl(t, t.TempDir(), "-o", "f", s.urlOf("ftp", "f"))
}

func TestAServerNotStartedByRootIsContainedToo(t *testing.T) {
	needsRoot(t)
	dir := publicDir(t)
	put(t, filepath.Join(dir, "f"))
	as := []string{"setpriv", "--reuid", "1", "--regid", "1", "--clear-groups", "--inh-caps", "+net_bind_service", "--ambient-caps", "+net_bind_service"}
	s := launch{wrapper: as, schemes: []string{"http"}}.serve(t, dir, "--http", "127.0.0.1:848", "--ftp", "", defaultUser)
	s.wantLogged("msg=contained", "user=1", "capabilities=none", "lacks=none")
	if got := run(t, t.TempDir(), "curl", "-sS", s.urlOf("http", "f")); got != "content" {
		t.Errorf("got %q", got)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Pid))
	if err != nil || !strings.Contains(string(status), "\nCapEff:\t0000000000000000\n") || !strings.Contains(string(status), "\nCapAmb:\t0000000000000000\n") {
		t.Errorf("the server keeps the capability by which it bound its port: %v\n%s", err, status)
	}

	out, code := try(t, dir, as[0], append(as[1:], program, "serve", "--run-as", "nobody", dir)...)
	if code != 2 || !strings.Contains(out, "only root can become another user") {
		t.Errorf("--run-as: exit status %d, want 2 and the reason:\n%s", code, out)
	}
}

// The contained server may not look into other processes, so the command itself finds
// the processes of clients.
func TestTheWhoCommandFindsClientProcessesOfAContainedServer(t *testing.T) {
	needsRoot(t)
	socket := filepath.Join(publicDir(t), "admin")
	s := startUnder(t, nil, publicDir(t), defaultUser, "--admin", "unix:"+socket)
	c, err := dialFTP(t.Context(), s.ftp.Host, "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.conn.Close()
	var sessions []struct{ Peer struct{ PID int } }
	out := run(t, t.TempDir(), program, "who", "--peers", "--json", "--admin", "unix:"+socket)
	if err := json.Unmarshal([]byte(out), &sessions); err != nil || len(sessions) != 1 || sessions[0].Peer.PID != os.Getpid() {
		t.Errorf("got %+v, %v, want one session of process %d:\n%s", sessions, err, os.Getpid(), out)
	}
}

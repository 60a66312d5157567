//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// hashLine returns the line that "sluice passwd" prints for a password.
func hashLine(t *testing.T, password string) string {
	t.Helper()
	cmd := exec.Command(program, "passwd")
	cmd.Stdin = strings.NewReader(password + "\n")
	line, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(line)
}

// writeConfig writes a configuration file and returns its name. If name is empty, it
// makes a new one.
func writeConfig(t *testing.T, name, content string) string {
	t.Helper()
	if name == "" {
		name = filepath.Join(t.TempDir(), "sluice.toml")
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestUsersFromAConfigurationFile(t *testing.T) {
	conf := writeConfig(t, "", "[user.alice]\nhome = '/alice'\nrights = ['list', 'read', 'create']\n"+hashLine(t, "wonder land")+
		"[user.anonymous]\nhome = '/pub'\n")
	s := start(t, "--config", conf)
	s.file("alice/f", 100_000)
	s.file("pub/g", 1000)
	s.file("secret", 10)
	dir := t.TempDir()
	const alice = "alice:wonder land"

	curl(t, dir, "-u", alice, "-o", "f", s.urlOf("ftp", "f"))
	wantPattern(t, filepath.Join(dir, "f"), 0, 100_000)
	curl(t, dir, "-u", alice, "-T", "f", s.urlOf("ftp", "new"))
	wantPattern(t, s.path("alice/new"), 0, 100_000)
	curl(t, dir, "-o", "g", s.urlOf("ftp", "g"))
	wantPattern(t, filepath.Join(dir, "g"), 0, 1000)

	for _, tt := range []struct {
		name   string
		args   []string
		status int // of curl
	}{
		{"a wrong password", []string{"-u", "alice:wonderland", s.urlOf("ftp", "f")}, 67},
		{"the hash as the password", []string{"-u", "alice:" + strings.Trim(strings.Fields(hashLine(t, "x"))[2], `"`), s.urlOf("ftp", "f")}, 67},
		{"a file above the home", []string{"-u", alice, s.urlOf("ftp", "secret")}, 78},
		{"a file next to the home", []string{"-u", alice, s.urlOf("ftp", "%2Fpub/g")}, 9},
		{"an existing file is not replaced", []string{"-u", alice, "-T", "f", s.urlOf("ftp", "f")}, 25},
		{"a file is not removed", []string{"-u", alice, "-Q", "DELE new", s.urlOf("ftp", "")}, 21},
		{"anonymous leaves its home", []string{s.urlOf("ftp", "secret")}, 78},
		{"anonymous writes", []string{"-T", "f", s.urlOf("ftp", "f2")}, 25},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, status := try(t, dir, "curl", append([]string{"-sS"}, tt.args...)...); status != tt.status {
				t.Errorf("exit status %d, want %d:\n%s", status, tt.status, got)
			}
		})
	}
	eventually(t, "HTTP shows the home of anonymous", func() bool {
		printed, _ := try(t, dir, "curl", "-s", s.urlOf("http", "g"), "-o", "/dev/null", "-w", "%{http_code}")
		return printed == "200"
	})
	for _, path := range []string{"alice/f", "secret", "pub/g", "f"} {
		for login, want := range map[string]string{"": "404", "alice:wrong": "401", alice: map[bool]string{true: "200", false: "404"}[path == "f"]} {
			args := []string{"-s", "-o", "/dev/null", "-w", "%{http_code}", s.urlOf("http", path)}
			if login != "" {
				args = append(args, "-u", login)
			}
			if printed, _ := try(t, dir, "curl", args...); printed != want {
				t.Errorf("/%s by HTTP, %s: %s, want %s", path, login, printed, want)
			}
		}
	}
	listing := run(t, dir, "lftp", "-c", "set net:max-retries 1; open -u 'alice,wonder land' "+s.ftp.String()+"; cls -1 /")
	if want := "/f\n/new\n"; listing != want {
		t.Errorf("lftp lists %q, want %q", listing, want)
	}
}

func TestHangupAddsAUserWhileAnotherTransfers(t *testing.T) {
	alice, bob := "[user.alice]\n"+hashLine(t, "a"), "[user.bob]\n"+hashLine(t, "b")
	conf := writeConfig(t, "", alice)
	s := start(t, "--config", conf)
	s.file("f", large)
	c, err := dialFTP(t.Context(), s.ftp.Host, "alice", "a")
	if err != nil {
		t.Fatal(err)
	}
	defer c.conn.Close()
	data, err := c.transfer(t.Context(), "RETR f")
	if err != nil {
		t.Fatal(err)
	}
	d := &download{content: data, ending: func() error { _, err := c.expect(226); return err }}
	if err := d.skip(1000); err != nil {
		t.Fatal(err)
	}

	login := func(user string) int {
		_, status := try(t, t.TempDir(), "curl", "-sS", "-u", user, "-I", s.urlOf("ftp", "f"))
		return status
	}
	if got := login("bob:b"); got != 67 {
		t.Errorf("bob logs in before: status %d, want 67", got)
	}
	writeConfig(t, conf, "http = ':1'\nmax-conns = 'many'\n"+bob)
	s.signal(syscall.SIGHUP)
	s.wantLogged("level=WARN", "stays\"", "max-conns:")
	if got := login("bob:b"); got != 67 {
		t.Errorf("bob logs in after a reload of an invalid file: status %d, want 67", got)
	}

	writeConfig(t, conf, "http = ':1'\nmax-conns = 7\n"+bob)
	s.signal(syscall.SIGHUP)
	s.wantLogged("file="+conf, "users=1")
	s.wantLogged("start\"", "keys=max-conns")
	if got := login("bob:b"); got != 0 {
		t.Errorf("bob logs in: status %d, want 0", got)
	}
	if got := login("alice:a"); got != 67 {
		t.Errorf("alice logs in after her removal: status %d, want 67", got)
	}
	if err := d.finish(t, large); err != nil {
		t.Errorf("the download of alice: %v", err)
	}
}

// The example of docs/configuration.md is a file that serves.
func TestTheFileOfTheManual(t *testing.T) {
	manual, err := os.ReadFile("../../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(manual), "\n## The configuration file\n")
	if !ok {
		t.Fatal("docs/configuration.md has no section \"The configuration file\"")
	}
	var example strings.Builder
	for line := range strings.Lines(section) {
		code, isCode := strings.CutPrefix(line, "    ")
		if isCode || line == "\n" && example.Len() > 0 {
			example.WriteString(code)
		} else if example.Len() > 0 {
			break
		}
	}
	p := newPair(t)
	conf := writeConfig(t, filepath.Join(filepath.Dir(p.cert()), "sluice.toml"), example.String())
	for from, to := range map[string]string{p.cert(): "site.pem", p.key(): "site.key"} {
		if err := os.Rename(from, filepath.Join(filepath.Dir(conf), to)); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	for _, home := range []string{"alice", "pub"} {
		if err := os.Mkdir(filepath.Join(dir, home), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got := run(t, dir, program, "serve", "--config", conf, "--check", dir); got != "ok\n" {
		t.Errorf("--check prints %q, want ok", got)
	}
	flags := []string{"--config", conf}
	for _, scheme := range []string{"http", "https", "ftp"} {
		flags = append(flags, "--"+scheme, "127.0.0.1:0")
	}
	s := launch{schemes: []string{"http", "https", "ftp"}}.serve(t, dir, flags...)
	s.file("pub/f", 1000)
	for _, scheme := range []string{"https", "ftp"} {
		curl(t, dir, "-k", "-o", "got", s.urlOf(scheme, "f"))
		wantPattern(t, filepath.Join(dir, "got"), 0, 1000)
	}
	out, status := try(t, dir, "curl", "-sS", "-u", "alice:open sesame", "-l", s.urlOf("ftp", ""))
	if status != 0 {
		t.Errorf("alice: exit status %d:\n%s", status, out)
	}
}

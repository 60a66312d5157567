//go:build e2e

package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startDAV serves a new directory by WebDAV to a user who may write.
func startDAV(t *testing.T) *server {
	t.Helper()
	return startWritable(t, "--webdav", "--durability", "none")
}

// litmus checks a server against the RFC.
func TestLitmusPasses(t *testing.T) {
	s := startDAV(t)
	out := run(t, t.TempDir(), "litmus", s.http.String(), user, password)
	for _, suite := range []string{"basic", "copymove", "props", "locks", "http"} {
		if !strings.Contains(out, "summary for `"+suite+"'") {
			t.Errorf("the suite %s was not run", suite)
		}
	}
	if strings.Contains(out, "FAIL") || strings.Contains(out, "WARNING") || strings.Count(out, "100.0%") != 5 {
		t.Errorf("litmus says:\n%s", out)
	}
}

func TestCadaverChangesATree(t *testing.T) {
	s := startDAV(t)
	dir := t.TempDir()
	writePattern(t, filepath.Join(dir, "local"), 10_000)
	netrc := fmt.Sprintf("machine %s\nlogin %s\npassword %s\n", s.http.Hostname(), user, password)
	cmd := command(t, dir, "cadaver", s.http.String())
	cmd.Env = append(cmd.Env, "HOME="+dir)
	if err := os.WriteFile(filepath.Join(dir, ".netrc"), []byte(netrc), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = strings.NewReader(`mkcol d
cd d
put local f
copy f g
move g h
lock f
put local f
unlock f
propset f color red
propget f color
chexec + f
cd ..
ls
quit
`)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := strings.Count(string(out), "failed"); n != 0 || !strings.Contains(string(out), "Value of color is: red") {
		t.Errorf("%d commands failed:\n%s", n, out)
	}
	for _, name := range []string{"d/f", "d/h"} {
		wantPattern(t, s.path(name), 0, 10_000)
	}
	if info, err := os.Stat(s.path("d/f")); err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("f is %v (%v), want it executable", info, err)
	}
}

// rcloneTo returns the flags of rclone for a server by WebDAV.
func rcloneTo(t *testing.T, s *server) []string {
	t.Helper()
	obscured := strings.TrimSpace(run(t, t.TempDir(), "rclone", "obscure", password))
	return []string{"--webdav-url", s.http.String(), "--webdav-vendor", "owncloud", "--webdav-user", user, "--webdav-pass", obscured}
}

func TestRcloneSyncsByWebDAV(t *testing.T) {
	s := startDAV(t)
	flags := rcloneTo(t, s)
	rclone := func(args ...string) string { return run(t, t.TempDir(), "rclone", append(args, flags...)...) }
	src := t.TempDir()
	for _, name := range []string{"plain", "Grüße, 東京.txt", "100% #1 & more;+=.txt", "sub/deep er/f", ".dot"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(src, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		writePattern(t, filepath.Join(src, name), 3_000_000)
		when := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
		if err := os.Chtimes(filepath.Join(src, name), when, when); err != nil {
			t.Fatal(err)
		}
	}
	rclone("sync", src, ":webdav:copy")
	wantSameTree(t, s.path("copy"), src)
	if info, err := os.Stat(s.path("copy/plain")); err != nil || info.ModTime().UTC().Format(time.DateTime) != "2020-01-02 03:04:05" {
		t.Errorf("plain is %v (%v), want its old time", info, err)
	}
	if out := rclone("sync", "-v", src, ":webdav:copy"); !strings.Contains(out, "nothing to transfer") {
		t.Errorf("a second sync copies again:\n%s", out)
	}
	if out := rclone("check", src, ":webdav:copy"); !strings.Contains(out, "0 differences") {
		t.Errorf("rclone check:\n%s", out)
	}
	rclone("moveto", ":webdav:copy/sub", ":webdav:copy/moved")
	rclone("copyto", ":webdav:copy/plain", ":webdav:copy/again")
	wantPattern(t, s.path("copy/moved/deep er/f"), 0, 3_000_000)
	wantPattern(t, s.path("copy/again"), 0, 3_000_000)
	rclone("sync", src, ":webdav:copy")
	wantSameTree(t, s.path("copy"), src)
	rclone("purge", ":webdav:copy")
	if _, err := os.Stat(s.path("copy")); !os.IsNotExist(err) {
		t.Errorf("after purge: %v", err)
	}
}

// mounted waits until a directory is another file system.
func mounted(t *testing.T, dir string) {
	t.Helper()
	eventually(t, "mounted", func() bool { return exec.Command("mountpoint", "-q", dir).Run() == nil })
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil && exec.Command("mountpoint", "-q", dir).Run() == nil {
			t.Errorf("umount: %v\n%s", err, out)
		}
	})
}

// wantContent waits until a file on the server has a content.
func wantContent(t *testing.T, s *server, name, want string) {
	t.Helper()
	eventually(t, name+" is written", func() bool {
		content, err := os.ReadFile(s.path(name))
		return err == nil && string(content) == want
	})
}

// changeMounted changes a tree by way of a mount.
func changeMounted(t *testing.T, s *server, dir string) {
	t.Helper()
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"mkdir", func() error { return os.Mkdir(filepath.Join(dir, "new"), 0o755) }},
		{"write", func() error { return os.WriteFile(filepath.Join(dir, "new", "a"), []byte("content"), 0o644) }},
		{"rename", func() error { return os.Rename(filepath.Join(dir, "new", "a"), filepath.Join(dir, "new", "b c")) }},
		{"remove", func() error { return os.Remove(filepath.Join(dir, "old")) }},
		{"read", func() error {
			content, err := os.ReadFile(filepath.Join(dir, "f"))
			if err == nil && len(content) != 100_000 {
				err = fmt.Errorf("%d bytes", len(content))
			}
			return err
		}},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
	}
	wantContent(t, s, "new/b c", "content")
	eventually(t, "removed", func() bool {
		_, err := os.Stat(s.path("old"))
		return os.IsNotExist(err)
	})
}

func TestRcloneMountsByWebDAV(t *testing.T) {
	needsRoot(t)
	needs(t, "fusermount3")
	s := startDAV(t)
	s.file("f", 100_000)
	s.file("old", 10)
	dir := t.TempDir()
	cmd := command(t, t.TempDir(), "rclone", append([]string{"mount", ":webdav:", dir}, rcloneTo(t, s)...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // after umount
	mounted(t, dir)
	changeMounted(t, s, dir)
}

// davfs2 1.6.1 cannot list directories on Linux 6.18, whatever the server, so nothing is listed.
func TestDavfsMountsATree(t *testing.T) {
	needsRoot(t)
	s := startDAV(t)
	s.file("f", 100_000)
	s.file("old", 10)
	dir, home := t.TempDir(), t.TempDir()
	secrets, conf := filepath.Join(home, "secrets"), filepath.Join(home, "conf")
	for name, content := range map[string]string{
		secrets: fmt.Sprintf("%s %s %s\n", s.http, user, password),
		conf:    "secrets " + secrets + "\nask_auth 0\ndelay_upload 0\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, home, "mount.davfs", "-o", "conf="+conf, s.http.String(), dir)
	mounted(t, dir)
	changeMounted(t, s, dir)
}

// One account does the same by FTP, HTTP and WebDAV, and each sees what the others have done.
func TestOneAccountForAllProtocols(t *testing.T) {
	s := startDAV(t)
	dir := t.TempDir()
	writePattern(t, filepath.Join(dir, "local"), 100_000)
	run(t, dir, "curl", "-sSf", "-u", login, "-T", "local", s.urlOf("ftp", "by-ftp"))
	run(t, dir, "curl", "-sSf", "-u", login, "-T", "local", s.urlOf("http", "by-http"))
	run(t, dir, "curl", "-sSf", "-u", login, "-X", "MOVE", "-H", "Destination: /by-dav", s.urlOf("http", "by-ftp"))
	run(t, dir, "curl", "-sSf", "-u", login, "-Q", "RNFR by-http", "-Q", "RNTO back", s.urlOf("ftp", ""))
	list := run(t, dir, "curl", "-sSf", "-u", login, "-X", "PROPFIND", "-H", "Depth: 1", s.urlOf("http", ""))
	for _, name := range []string{"by-dav", "back"} {
		wantPattern(t, s.path(name), 0, 100_000)
		if !strings.Contains(list, "<D:href>/"+name+"</D:href>") {
			t.Errorf("PROPFIND lacks %s:\n%s", name, list)
		}
	}
}

// The same account has the same rights, by path too, and the same quota, by whatever way it sends a file and however it
// has logged in.
func TestOneAccountHasTheSameRightsByAllProtocols(t *testing.T) {
	conf := writeConfig(t, "", "[user."+user+"]\n"+hashLine(t, password)+`home = "/home"
rights = ["list", "read"]
quota = "1MiB"
[[user.`+user+`.path]]
path = "/work"
rights = ["all"]
[[user.`+user+`.path]]
path = "/in"
rights = ["create"]
[[user.`+user+`.path]]
path = "/secret"
rights = []
`)
	const size, big = 10_000, 600_000
	served := t.TempDir()
	for name, n := range map[string]int64{"work/old": 10, "in/taken": 10, "secret/f": 10, "small": size, "big": big} {
		writePattern(t, filepath.Join(served, "home", filepath.FromSlash(name)), n)
	}
	s := startUnder(t, nil, served, "--config", conf, "--webdav", "--anonymous=false", "--durability", "none")
	dir := t.TempDir()
	writePattern(t, filepath.Join(dir, "small"), size)
	writePattern(t, filepath.Join(dir, "big"), big)
	run(t, dir, "curl", "-sSf", "-c", "cookies", "-d", "username="+user+"&password="+password, s.urlOf("http", "")+"?login")

	url := func(name string) string { return s.urlOf("http", name) }
	in := func(name string) string { return url(path.Dir(name)) + "/" }
	ways := map[string]func(local, name string) []string{ // flags of curl
		"FTP":             func(local, name string) []string { return []string{"-u", login, "-T", local, s.urlOf("ftp", name)} },
		"PUT":             func(local, name string) []string { return []string{"-u", login, "-T", local, url(name)} },
		"PUT by a cookie": func(local, name string) []string { return []string{"-b", "cookies", "-T", local, url(name)} },
		"a form": func(local, name string) []string {
			return []string{"-u", login, "-F", "file=@" + local + ";filename=" + path.Base(name), in(name)}
		},
		"tus by a cookie": func(local, name string) []string {
			info, err := os.Stat(filepath.Join(dir, local))
			if err != nil {
				t.Fatal(err)
			}
			encoded := base64.StdEncoding.EncodeToString([]byte(path.Base(name)))
			return []string{
				"-b", "cookies", "-H", "Tus-Resumable: 1.0.0", "-H", fmt.Sprint("Upload-Length: ", info.Size()), "-H", "Upload-Metadata: filename " + encoded,
				"-H", "Content-Type: application/offset+octet-stream", "--data-binary", "@" + local, in(name),
			}
		},
		"the draft": func(local, name string) []string {
			return []string{"-u", login, "-H", "Upload-Complete: ?1", "-H", "Content-Disposition: attachment; filename=" + path.Base(name), "--data-binary", "@" + local, in(name)}
		},
		"COPY": func(local, name string) []string {
			return []string{"-u", login, "-X", "COPY", "-H", "Destination: /" + name, url(local)}
		},
	}
	for way, flags := range ways {
		send := func(local, name string, want bool) {
			t.Helper()
			printed, status := try(t, dir, "curl", append([]string{"-sSf"}, flags(local, name)...)...)
			if (status == 0) != want {
				t.Errorf("%s to %s by %s: curl ends with %d, want a success: %v\n%s", local, name, way, status, want, printed)
			}
		}
		send("small", "work/f", true)
		wantPattern(t, s.path("home/work/f"), 0, size)
		send("small", "work/old", true)
		wantPattern(t, s.path("home/work/old"), 0, size)
		send("small", "f", false)
		send("small", "secret/f", false)
		send("small", "secret/none", false)
		send("small", "none/f", false)
		send("big", "work/f", false)
		send("big", "work/new", false)
		send("small", "in/taken", way != "COPY")
		wantPattern(t, s.path("home/work/f"), 0, size) // not the big one
		for _, name := range []string{"secret/f", "in/taken"} {
			wantPattern(t, s.path("home/"+name), 0, 10)
		}
		for _, name := range []string{"f", "secret/none", "work/new"} {
			if _, err := os.Stat(s.path("home/" + name)); !os.IsNotExist(err) {
				t.Errorf("%s by %s: %v, want that it does not exist", name, way, err)
			}
		}
		for _, name := range []string{"work/f", "work/old"} {
			run(t, dir, "curl", "-sSf", "-b", "cookies", "-X", "DELETE", url(name))
		}
	}
	if sent, err := filepath.Glob(s.path("home/in/taken (*)")); err != nil || len(sent) != len(ways)-1 {
		t.Errorf("the drop box has %q", sent)
	}

	run(t, dir, "curl", "-sSf", "-b", "cookies", "-X", "MKCOL", url("work/d"))
	c := s.loginAs(user)
	for _, line := range []string{"RNFR work/d", "RNTO work/e"} {
		if reply := c.replyTo(t, line); reply[0] > '3' {
			t.Errorf("%s: %s", line, reply)
		}
	}
	for _, list := range [][]string{
		{"-u", login, s.urlOf("ftp", "") + "/"},
		{"-u", login, url("")}, {"-b", "cookies", url("")},
		{"-b", "cookies", "-X", "PROPFIND", "-H", "Depth: 1", url("")},
	} {
		printed := run(t, dir, "curl", append([]string{"-sSf"}, list...)...)
		for name, want := range map[string]bool{"work": true, "small": true, "in": true, "secret": false} {
			if strings.Contains(printed, name) != want {
				t.Errorf("%q shows %s: %v, want %v:\n%s", list, name, !want, want, printed)
			}
		}
	}
	for _, target := range []string{"secret", "secret/f", "secret/none"} {
		run(t, dir, "curl", "-sS", "-o", "answer", "-w", "%{http_code}", "-u", login, "-X", "PROPFIND", "-H", "Depth: 0", url(target))
		answer, err := os.ReadFile(filepath.Join(dir, "answer"))
		if err != nil || !strings.HasPrefix(string(answer), "404") {
			t.Errorf("PROPFIND %s: %s, %v", target, answer, err)
		}
	}

	// All ways have counted for one quota, exactly.
	bytes, files := countOf(t, s.path("home"))
	if reply := c.replyTo(t, "SITE QUOTA"); !strings.Contains(reply, fmt.Sprintf(" %d of 1048576 bytes", bytes)) {
		t.Errorf("%q, but there are %d bytes", reply, bytes)
	}
	asked := `<propfind xmlns="DAV:"><prop><quota-used-bytes/></prop></propfind>`
	if used := run(t, dir, "curl", "-sSf", "-u", login, "-X", "PROPFIND", "-H", "Depth: 0", "-d", asked, url("")); !strings.Contains(used, fmt.Sprintf(">%d<", bytes)) {
		t.Errorf("PROPFIND does not say that %d bytes in %d files are used:\n%s", bytes, files, used)
	}
}

//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
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

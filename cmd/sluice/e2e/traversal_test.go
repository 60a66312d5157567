//go:build e2e

package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// confined is a server of a directory with secret files around it.
//
//	outside/secret.txt          holds secret
//	outside/private/inner.txt   holds secret
//	outside/root/               the served directory
//	outside/root-sibling/s.txt  holds secret; the name begins with that of the served directory
type confined struct {
	*server
	outside string
	before  map[string]string // snapshot before the test
}

// secret is the content of files that no client may see, open that of files for all.
const (
	secret = "s3cr3t-content"
	open   = "0pen-content"
)

// startConfined starts the server, with a user who may write.
func startConfined(t *testing.T) *confined {
	t.Helper()
	p := &confined{outside: t.TempDir()}
	root := filepath.Join(p.outside, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"secret.txt", "private/inner.txt", "root-sibling/s.txt"} {
		write(t, filepath.Join(p.outside, name), secret)
	}
	p.before = p.snapshot(t)
	p.server = startUnder(t, nil, root, "--user", login, "--write")
	p.resetRoot(t)
	return p
}

// resetRoot replaces the content of the served directory by two files and by links, all
// of which lead outside except the one called inside.
func (p *confined) resetRoot(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(p.path(e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	write(t, p.path("open.txt"), open)
	write(t, p.path("sub/open.txt"), open)
	for name, target := range map[string]string{
		"inside": "sub/open.txt",
		"link":   "../secret.txt", "dir": "../private", "up": "..", "sub/up2": "../..", "chain": "link", "loop": "loop",
		"abs": filepath.Join(p.outside, "secret.txt"), "absdir": p.outside, "host": "/",
	} {
		if err := os.Symlink(target, p.path(name)); err != nil {
			t.Fatal(err)
		}
	}
}

// write makes a file and the directories above it.
func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// snapshot describes all files outside: type, mode, time and content.
func (p *confined) snapshot(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(p.outside, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == "root" && d.IsDir() {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		all[name] = fmt.Sprint(info.Mode(), info.ModTime())
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(name)
			all[name] += " " + string(content)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// wantNoLeak checks that the answer to a command has nothing from outside, not even the
// path of the served directory.
func (p *confined) wantNoLeak(t *testing.T, command, answer string) {
	t.Helper()
	for _, leak := range []string{
		secret, p.outside, "root-sibling", "inner.txt", "secret.txt", // content and names from outside
		"root:x:0:0", "etc\r\n", "./etc/", // content and names of the host
	} {
		if strings.Contains(answer, leak) && !strings.Contains(command, leak) {
			t.Errorf("%s: the answer has %q:\n%s", command, leak, answer)
		}
	}
}

// wantOutsideUnchanged checks that nothing outside has changed.
func (p *confined) wantOutsideUnchanged(t *testing.T) {
	t.Helper()
	if diff := cmp.Diff(p.before, p.snapshot(t)); diff != "" {
		t.Errorf("outside of the root (-want +got):\n%s", diff)
	}
}

func TestNoHTTPRequestReachesOutsideTheTree(t *testing.T) {
	p := startConfined(t)
	host := strings.TrimSuffix(p.http.String(), "/")
	get := func(args ...string) string {
		t.Helper()
		return run(t, t.TempDir(), "curl", append([]string{"-sS", "-i", "--path-as-is", "--globoff"}, args...)...)
	}
	for _, target := range []string{
		"/../secret.txt", "/..", "/../", "/../..//../../../../../../etc/passwd", "/sub/../../secret.txt",
		"/./.././secret.txt", "//../secret.txt", "/sub/../../root-sibling/s.txt", "/../root-sibling/s.txt",
		"/%2e%2e/secret.txt", "/.%2e/secret.txt", "/%2E%2E/%2E%2E/etc/passwd", "/%2e%2e%2fsecret.txt",
		"/..%2fsecret.txt", "/sub%2f..%2f..%2fsecret.txt", "/%2fetc%2fpasswd", "/%2f..%2fsecret.txt",
		"/%252e%252e/secret.txt", "/%252e%252e%252fsecret.txt", "/..%252fsecret.txt",
		"/..%c0%afsecret.txt", "/%c0%ae%c0%ae/secret.txt", "/%uff0e%uff0e/secret.txt",
		`/..\secret.txt`, `/sub\..\..\secret.txt`, "/..%5csecret.txt", "/..%5c..%5cetc%5cpasswd",
		"/....//secret.txt", "/.../secret.txt", "/..;/secret.txt", "/..%00/secret.txt", "/open.txt%00/../../secret.txt",
		"/etc/passwd", "//etc/passwd", "/" + p.outside + "/secret.txt", p.outside + "/secret.txt", "/file://" + p.outside,
		"/link", "/link/", "/abs", "/chain", "/loop", "/dir", "/dir/", "/dir/inner.txt", "/absdir/", "/absdir/secret.txt",
		"/up", "/up/", "/up/secret.txt", "/sub/up2/secret.txt", "/host/etc/passwd", "/host/", "/dir/../secret.txt",
		"/inside/../../secret.txt", "/sub/../up/secret.txt", "/open.txt/../../secret.txt",
	} {
		p.wantNoLeak(t, target, get(host+target))
	}
	for _, target := range []string{
		"../secret.txt", p.outside + "/secret.txt", "file://" + p.outside + "/secret.txt",
		host + "/../secret.txt", "http://x/../secret.txt", `\..\secret.txt`, "*", "?/../secret.txt",
	} {
		p.wantNoLeak(t, "target "+target, get("--request-target", target, host))
	}
	for _, method := range []string{"PUT", "POST", "DELETE", "PATCH", "MKCOL", "MOVE", "COPY", "PROPFIND", "TRACE"} {
		for _, target := range []string{"/link", "/dir/new.txt", "/../new.txt", "/open.txt"} {
			p.wantNoLeak(t, method+" "+target, get("-X", method, "-d", "x", "-H", "Destination: /../new.txt", host+target))
		}
	}
	p.wantOutsideUnchanged(t)
	for _, target := range []string{"/open.txt", "/inside", "/sub/../open.txt", "/../open.txt"} {
		if answer := get("-L", host+target); !strings.HasSuffix(answer, open) {
			t.Errorf("%s: the answer lacks %q, so this test would not see a leak:\n%s", target, open, answer)
		}
	}
}

// escapingNames returns names for FTP commands that try to lead outside.
func (p *confined) escapingNames() []string {
	return []string{
		"..", "../", "/..", "../secret.txt", "/../secret.txt", "../../../secret.txt", "sub/../../secret.txt",
		"../root-sibling/s.txt", p.outside + "/secret.txt", "/" + p.outside + "/secret.txt", p.outside,
		"%2e%2e/secret.txt", "..%2fsecret.txt", "%252e%252e%252fsecret.txt", `..\secret.txt`, `\..\secret.txt`,
		"....//secret.txt", "~/secret.txt", "..\x00/secret.txt", "open.txt\x00../../secret.txt",
		"link", "abs", "chain", "loop", "dir", "dir/inner.txt", "absdir", "absdir/secret.txt", "up", "up/secret.txt",
		"sub/up2", "sub/up2/secret.txt", "dir/../secret.txt", "inside/../../secret.txt",
		"-la ..", "|cat ../secret.txt", "*/../../secret.txt", "up/*",
	}
}

// answers sends commands and returns everything that the server sends. If the server ends
// the session, the remaining commands go through a new one.
func (p *confined) answers(t *testing.T, commands ...string) (answers string) {
	t.Helper()
	for len(commands) > 0 {
		c, err := dialFTP(t.Context(), p.ftp.Host, user, password)
		if err != nil {
			t.Fatal(err)
		}
		defer c.conn.Close()
		for err == nil && len(commands) > 0 {
			var reply string
			reply, err = c.exchange(t.Context(), commands[0])
			answers += reply
			commands = commands[1:]
		}
	}
	return answers
}

func TestNoFTPCommandReadsOutsideTheTree(t *testing.T) {
	p := startConfined(t)
	names := append(p.escapingNames(),
		"/etc/passwd", "//etc/passwd", "../../etc/passwd", "~root/.profile", "host", "host/etc/passwd")
	for _, name := range names {
		for _, verb := range []string{"RETR", "SIZE", "MDTM", "MLST", "LIST", "NLST", "MLSD", "STAT"} {
			command := verb + " " + name
			p.wantNoLeak(t, command, p.answers(t, command))
		}
		p.wantNoLeak(t, "CWD "+name, p.answers(t, "CWD "+name,
			"PWD", "LIST", "NLST", "MLSD", "RETR secret.txt", "RETR inner.txt", "RETR etc/passwd"))
	}
	p.wantNoLeak(t, "CDUP", p.answers(t, "CDUP", "CDUP", "CWD ..", "CWD sub", "CWD ../..", "PWD", "LIST", "RETR secret.txt"))
	p.wantNoLeak(t, "REST", p.answers(t, "REST 1", "RETR ../secret.txt", "REST 1", "RETR link"))
	p.wantOutsideUnchanged(t)
	if answers := p.answers(t, "CWD /../sub/..", "RETR ../open.txt"); !strings.Contains(answers, open) {
		t.Errorf("the answer lacks %q, so this test would not see a leak:\n%s", open, answers)
	}
}

// If the server leads outside, the commands of this test still change only directories of
// the test.
func TestNoFTPCommandWritesOutsideTheTree(t *testing.T) {
	p := startConfined(t)
	for _, name := range append(p.escapingNames(), "../new.txt", "/../new.txt", "up/new.txt", "dir/new.txt", "absdir/new.txt") {
		for _, commands := range [][]string{
			{"STOR " + name}, {"APPE " + name}, {"REST 3", "STOR " + name}, {"STOU " + name},
			{"RNFR open.txt", "RNTO " + name}, {"RNFR " + name, "RNTO taken.txt", "RETR taken.txt"},
			{"MFMT 20200101000000 " + name}, {"MKD " + name}, {"RMD " + name}, {"DELE " + name},
			{"CWD " + name, "STOR new.txt", "DELE secret.txt", "DELE inner.txt", "MKD new"},
			{"SITE CHMOD 777 " + name}, {"SITE MKDIR " + name}, {"SITE RMDIR " + name},
			{"SITE SYMLINK " + name + " taken.txt", "RETR taken.txt"},
		} {
			p.resetRoot(t)
			p.wantNoLeak(t, strings.Join(commands, ", "), p.answers(t, commands...))
		}
	}
	p.wantOutsideUnchanged(t)
	answers := p.answers(t, "STOR new.txt", "RNFR new.txt", "RNTO ../sub/../renamed.txt", "MKD made", "LIST")
	if !strings.Contains(answers, "renamed.txt\r\n") || !strings.Contains(answers, "made\r\n") {
		t.Errorf("the listing lacks the new names, so this test would not see a change:\n%s", answers)
	}
}

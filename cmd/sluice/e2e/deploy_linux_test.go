//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const docs = "../../../docs"

func TestTheUnitIsRatedBelow3(t *testing.T) {
	out := run(t, docs+"/systemd", "systemd-analyze", "security", "--offline=true", "--no-pager", "./sluice.service")
	m := regexp.MustCompile(`Overall exposure level for sluice.service: ([0-9.]+)`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no rating:\n%s", out)
	}
	if rating, err := strconv.ParseFloat(m[1], 64); err != nil || rating >= 3 {
		t.Errorf("rated %s, want below 3:\n%s", m[1], out)
	}
	if strings.Contains(out, "Unknown") {
		t.Errorf("systemd-analyze does not understand a line:\n%s", out)
	}
}

// systemd-sysusers and systemd-tmpfiles make the user and the directories in an empty
// tree.
func TestTheUserAndDirectoriesOfTheUnit(t *testing.T) {
	needsRoot(t)
	root := t.TempDir()
	for _, name := range []string{"etc", "srv"} {
		if err := os.Mkdir(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := filepath.Abs(docs + "/systemd")
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, "systemd-sysusers", "--root="+root, filepath.Join(dir, "sluice.sysusers"))
	passwd, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
	if err != nil || !strings.Contains(string(passwd), "sluice:x:") || !strings.Contains(string(passwd), "nologin") {
		t.Errorf("passwd is %q, %v, want a user sluice who cannot log in", passwd, err)
	}
	run(t, dir, "systemd-tmpfiles", "--root="+root, "--create", filepath.Join(dir, "sluice.tmpfiles"))
	for name, mode := range map[string]os.FileMode{"srv/sluice": 0o755, "etc/sluice": 0o750} {
		if info, err := os.Stat(filepath.Join(root, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: got %v, %v, want mode %v", name, info, err, mode)
		}
	}
}

// The test imitates the container of the Dockerfile without Docker: the static program,
// as its user, in a tree with nothing else but /dev/null. There is no /proc.
func TestTheContainerHoldsOnlyTheProgram(t *testing.T) {
	needsRoot(t)
	dockerfile, err := os.ReadFile(docs + "/container/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"FROM scratch", "USER 65532:65532", "CGO_ENABLED=0"} {
		if !strings.Contains(string(dockerfile), line) {
			t.Errorf("the Dockerfile lacks %q", line)
		}
	}
	root := publicDir(t)
	inside := filepath.Join(root, program)
	for _, dir := range []string{filepath.Dir(inside), filepath.Join(root, "dev"), filepath.Join(root, "srv")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(inside, content, 0o755); err != nil {
		t.Fatal(err)
	}
	null := filepath.Join(root, "dev/null")
	if err := unix.Mknod(null, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(null, 0o666); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(root, "srv/f"))
	s := launch{wrapper: []string{"chroot", "--userspec=65532:65532", root}, schemes: []string{"http"}}.
		serve(t, "/srv", "--http", "127.0.0.1:0", "--ftp", "", defaultUser)
	s.wantLogged("msg=contained", "user=65532", "capabilities=none")
	if got := run(t, t.TempDir(), "curl", "-sS", s.urlOf("http", "f")); got != "content" {
		t.Errorf("got %q", got)
	}
}

//go:build e2e

package e2e

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// hole is a running program of testdata/hole.
type hole struct {
	t        *testing.T
	in       io.WriteCloser
	out      *bufio.Scanner
	greeting string // its first line
}

// startHole builds and starts testdata/hole with these arguments.
func startHole(t *testing.T, args ...string) *hole {
	t.Helper()
	name := filepath.Join(t.TempDir(), "hole")
	build := exec.Command("go", "build", "-o", name, "sluice/cmd/sluice/e2e/testdata/hole")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	in, out := startWithPipes(t, cmd)
	h := &hole{t: t, in: in, out: bufio.NewScanner(out)}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("testdata/hole: %v", err)
		}
	})
	if !h.out.Scan() || !strings.HasPrefix(h.out.Text(), "contained ") {
		t.Fatalf("got %q, want a line that begins with contained", h.out.Text())
	}
	h.greeting = h.out.Text()
	return h
}

// want makes all threads do an action, and checks that each returns this answer.
func (h *hole) want(answer string, action ...string) {
	h.t.Helper()
	if _, err := io.WriteString(h.in, strings.Join(action, "\t")+"\n"); err != nil {
		h.t.Fatal(err)
	}
	if !h.out.Scan() {
		h.t.Fatalf("%s: the program has ended", action)
	}
	got := strings.Split(h.out.Text(), "\t")
	if want := slices.Repeat([]string{answer}, 3); !slices.Equal(got, want) {
		h.t.Errorf("%s: got %q, want %q of each thread", action, got, answer)
	}
}

// publicDir returns a directory of root that all users may enter.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sluice-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// put makes a file that all users may read.
func put(t *testing.T, name string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAServerTakenOverOpensOnlyTheTree(t *testing.T) {
	needsRoot(t)
	for _, tt := range []struct {
		name  string
		flags []string
		user  string
	}{
		{"the default user", nil, "nobody"},
		{"another user", []string{"-run-as", "daemon"}, "daemon"},
		{"root", []string{"-run-as", "root"}, "root"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, outside := publicDir(t), publicDir(t)
			if err := os.Chmod(outside, 0o777); err != nil {
				t.Fatal(err)
			}
			inside, other, secret := put(t, filepath.Join(dir, "sub/f")), put(t, filepath.Join(outside, "f")), put(t, filepath.Join(outside, "key"))
			if err := os.Chmod(secret, 0o600); err != nil {
				t.Fatal(err)
			}
			h := startHole(t, append(tt.flags, "-named", secret, dir)...)
			if !strings.Contains(h.greeting, " "+tt.user+" ") {
				t.Errorf("got %q, want user %s", h.greeting, tt.user)
			}
			h.want("ok", "read", inside)
			h.want("ok", "list", dir)
			h.want("ok", "named", secret)
			h.want("ok", "netlink")
			h.want("ok", "listen")
			for _, name := range []string{"/etc/shadow", "/etc/passwd", other, secret, "/proc/1/environ", "/proc/version", "/bin/true", dir + "/../" + filepath.Base(outside) + "/f"} {
				h.want("EACCES", "read", name)
			}
			for _, name := range []string{"/", "/etc", "/proc", outside} {
				h.want("EACCES", "list", name)
			}
			h.want("EACCES", "write", filepath.Join(outside, "new"))
			h.want("EACCES", "write", other)
			h.want("EACCES", "truncate", other)
			h.want("EACCES", "write", "/tmp/sluice-e2e-new")
			h.want("EACCES", "write", filepath.Join(dir, "new")) // no user may write
			h.want("EACCES", "write", inside)
		})
	}
}

func TestAServerTakenOverWithWritersWritesOnlyToTheTree(t *testing.T) {
	needsRoot(t)
	dir, outside := publicDir(t), publicDir(t)
	if err := os.Mkdir(filepath.Join(dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, outside, filepath.Join(dir, "a")} {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	other := put(t, filepath.Join(outside, "f"))
	h := startHole(t, "-write", dir)
	a := filepath.Join(dir, "a/new")
	h.want("ok", "write", a)
	h.want("ok", "truncate", a)
	h.want("EACCES", "write", filepath.Join(outside, "new"))
	h.want("EACCES", "write", other)
	h.want("EACCES", "device", filepath.Join(dir, "null"))
	h.want("EACCES", "socket", filepath.Join(dir, "socket"))
	h.want("EACCES", "rename", a, filepath.Join(outside, "new"))
	h.want("EACCES", "rename", other, filepath.Join(dir, "taken"))
}

// Since Landlock ABI 2 a rename to another directory needs a right of its own.
func TestWritersMoveFilesToOtherDirectories(t *testing.T) {
	needsRoot(t)
	dir := publicDir(t)
	h := startHole(t, "-write", "-run-as", "root", dir)
	a, b := put(t, filepath.Join(dir, "a/f")), put(t, filepath.Join(dir, "b/f"))
	// The first thread renames the file; the others do not find it.
	h.want("ok", "write", a)
	if _, err := io.WriteString(h.in, "rename\t"+a+"\t"+b+"\n"); err != nil || !h.out.Scan() {
		t.Fatal("the program has ended")
	}
	if got, want := h.out.Text(), "ok\tENOENT\tENOENT"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAServerTakenOverRunsNothing(t *testing.T) {
	needsRoot(t)
	for _, user := range []string{"nobody", "root"} {
		t.Run("as "+user, func(t *testing.T) {
			dir := publicDir(t)
			program := put(t, filepath.Join(dir, "program"))
			if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(program, 0o755); err != nil {
				t.Fatal(err)
			}
			h := startHole(t, "-run-as", user, dir)
			for _, action := range [][]string{
				{"exec", "/bin/true"},
				{"exec", program},
				{"replace", "/bin/true"},
				{"fexec"},
				{"ptrace"},
				{"peek"},
				{"kill"},
				{"mount", dir},
				{"open_tree"},
				{"chroot", dir},
				{"unshare"},
				{"setns"},
				{"clone"},
				{"keyctl"},
				{"bpf"},
				{"perf"},
				{"module"},
				{"io_uring"},
				{"handle", dir},
				{"clock"},
				{"reboot"},
			} {
				h.want("EPERM", action...)
			}
			if user != "root" {
				h.want("EPERM", "root")
			}
		})
	}
}

// When the link that is the root changes to another release, the sandboxed server can
// open the new target.
func TestTheNextReleaseCanBeOpened(t *testing.T) {
	needsRoot(t)
	for _, tt := range []struct{ name, tree string }{
		{"a linked root", "current"},
		{"a link above the root", "current/public"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, outside := publicDir(t), publicDir(t)
			other := put(t, filepath.Join(outside, "f"))
			first, second := put(t, filepath.Join(dir, "releases/1/public/f")), put(t, filepath.Join(dir, "releases/2/public/f"))
			link := filepath.Join(dir, "current")
			if err := os.Symlink("releases/1", link); err != nil {
				t.Fatal(err)
			}
			h := startHole(t, filepath.Join(dir, tt.tree))
			h.want("ok", "read", first)
			h.want("ok", "read", filepath.Join(link, "public/f"))
			if err := os.Symlink("releases/2", link+"~"); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(link+"~", link); err != nil {
				t.Fatal(err)
			}
			h.want("ok", "read", second)
			h.want("ok", "read", filepath.Join(link, "public/f"))
			h.want("EACCES", "read", other)
			h.want("EACCES", "read", "/etc/passwd")
		})
	}
}

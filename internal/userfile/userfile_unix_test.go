//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package userfile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// killAt is the variable with the number of the step at which a child kills itself.
const killAt = "SLUICE_TEST_KILL_AT"

const (
	beforeKill = "old\n"
	afterKill  = "new\n"
	repeats    = 3000 // so that writing takes several steps
)

func TestMain(m *testing.M) {
	if n, err := strconv.Atoi(os.Getenv(killAt)); err == nil {
		editAndDie(n)
	}
	os.Exit(m.Run())
}

// editAndDie replaces the file of the first argument, and kills the process by SIGKILL
// at step n; if there are fewer steps it exits with 0.
func editAndDie(n int) {
	crashPoint = func(string) error {
		if n--; n == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	}
	if err := Edit(os.Args[1], put(strings.Repeat(afterKill, repeats))); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

func TestAnEditThatIsKilledLeavesTheOldOrTheNewFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "users")
	before, after := strings.Repeat(beforeKill, repeats), strings.Repeat(afterKill, repeats)
	seen := make(map[string]int)
	for n := 1; ; n++ {
		if os.Geteuid() == 0 && n > 1 { // the remains may belong to another user by now
			if err := os.Chown(name, 12345, 54321); err != nil {
				t.Fatal(err)
			}
		}
		if err := Edit(name, put(before)); err != nil { // despite the remains of the killed one
			t.Fatal(err)
		}
		child := exec.Command(os.Args[0], name)
		child.Env = append(os.Environ(), killAt+"="+strconv.Itoa(n))
		printed, err := child.CombinedOutput()
		got := content(t, name)
		if got != before && got != after {
			t.Fatalf("killed at step %d: a file of %d bytes", n, len(got))
		}
		seen[got]++
		if err == nil {
			break
		}
		if child.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the child: %v: %s", err, printed)
		}
	}
	if seen[before] < 5 || seen[after] < 2 {
		t.Errorf("the old file was left %d times, the new one %d times", seen[before], seen[after])
	}
	if got := leftovers(t, name); len(got) > 0 {
		t.Errorf("left %q", got)
	}
}

func TestEditKeepsTheModeAndTheLinkOfAFile(t *testing.T) {
	dir := t.TempDir()
	name, link := filepath.Join(dir, "users"), filepath.Join(dir, "link")
	if err := Edit(name, put("one")); err != nil {
		t.Fatal(err)
	}
	mode := func() os.FileMode {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode()
	}
	if got := mode(); got != 0o600 {
		t.Errorf("created with the mode %v, want 0600", got)
	}
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("users", link); err != nil {
		t.Fatal(err)
	}
	if err := Edit(link, put("two")); err != nil {
		t.Fatal(err)
	}
	if got := mode(); got != 0o640 || content(t, name) != "two" {
		t.Errorf("got the mode %v and %q, want 0640 and two", got, content(t, name))
	}
	if target, err := os.Readlink(link); err != nil || target != "users" {
		t.Errorf("the link is %q, %v", target, err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := Edit(link, put("x")); err == nil || !strings.Contains(err.Error(), "link to a file that does not exist") {
		t.Errorf("a link to nothing: got %v", err)
	}
}

func TestEditKeepsTheOwnerOfAFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may give files away")
	}
	name := filepath.Join(t.TempDir(), "users")
	if err := Edit(name, put("one")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(name, 12345, 54321); err != nil {
		t.Fatal(err)
	}
	if err := Edit(name, put("two")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 12345 || stat.Gid != 54321 {
		t.Errorf("the owner is %d:%d, want 12345:54321", stat.Uid, stat.Gid)
	}
}

// In a directory that others can write to, another user could prepare the file that
// becomes the new one.
func TestEditUsesNoPreparedFile(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(next, other string) error
		want    string // the content of the file afterwards
	}{
		{"a symbolic link", func(next, other string) error { return os.Symlink(other, next) }, ""},
		{"a hard link", func(next, other string) error { return os.Link(other, next) }, "secret"},
		{"a FIFO", func(next, _ string) error { return syscall.Mkfifo(next, 0o600) }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			name, other := filepath.Join(dir, "users"), filepath.Join(dir, "other")
			if err := os.WriteFile(other, []byte("other"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := tt.prepare(filepath.Join(dir, ".users.new"), other); err != nil {
				t.Fatal(err)
			}
			if err := Edit(name, put("secret")); (err == nil) != (tt.want != "") {
				t.Errorf("got %v", err)
			}
			if content(t, other) != "other" || content(t, name) != tt.want {
				t.Errorf("it holds %q, and the target %q", content(t, other), content(t, name))
			}
		})
	}
}

// Root may be killed while it edits the file of a server that runs as another user, who
// cannot open what is left.
func TestEditRemovesWhatAnotherUserHasLeft(t *testing.T) {
	if _, err := os.Stat("/proc/self/exe"); os.Geteuid() != 0 || err != nil {
		t.Skip("only root can be two users, and another one cannot find this program by its name")
	}
	dir, err := os.MkdirTemp("", "userfile-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	const other = 12345
	if err := os.Chown(dir, other, other); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "users")
	next := filepath.Join(dir, ".users.new")
	editAsOther := func() error {
		child := exec.Command("/proc/self/exe", name)
		child.Env = append(os.Environ(), killAt+"=1000000")
		child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: other, Gid: other}}
		printed, err := child.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, printed)
		}
		return nil
	}
	for _, tt := range []struct {
		age    time.Duration
		isLeft bool
	}{{2 * abandoned, false}, {0, true}} {
		if err := os.WriteFile(next, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(next, time.Now().Add(-tt.age), time.Now().Add(-tt.age)); err != nil {
			t.Fatal(err)
		}
		err := editAsOther()
		_, statErr := os.Stat(next)
		if (err != nil) != tt.isLeft || (statErr == nil) != tt.isLeft {
			t.Errorf("left %v ago: %v, and it is there: %v", tt.age, err, statErr == nil)
		}
		_ = os.Remove(next)
	}
}

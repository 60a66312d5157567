//go:build e2e

package e2e

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// packages maps clients to their Debian packages if the names differ.
var packages = map[string]string{
	"aria2c": "aria2", "ab": "apache2-utils", "ncftpput": "ncftp", "ncftpget": "ncftp", "ncftpls": "ncftp", "node": "nodejs", "mount.davfs": "davfs2", "fusermount3": "fuse3",
	"systemd-analyze": "systemd", "systemd-sysusers": "systemd", "systemd-tmpfiles": "systemd",
}

// needs fails the test if a program is not installed.
func needs(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	pkg := name
	if other, ok := packages[name]; ok {
		pkg = other
	}
	t.Fatalf("%s is not installed: apt-get install %s", name, pkg)
}

// environ returns an environment without the user's configuration and proxies, which
// could change what a client does.
func environ(t *testing.T) []string {
	t.Helper()
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LC_ALL=C.UTF-8"}
}

// command returns the command of a client, which runs in dir and is killed at the end
// of the test or after patience.
func command(t *testing.T, dir, name string, args ...string) *exec.Cmd {
	t.Helper()
	needs(t, name)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, environ(t), patience
	return cmd
}

// try runs a client in dir and returns its output and exit status.
func try(t *testing.T, dir, name string, args ...string) (printed string, status int) {
	t.Helper()
	out, err := command(t, dir, name, args...).CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return string(out), 0
	case errors.As(err, &exit) && exit.Exited():
		return string(out), exit.ExitCode()
	}
	t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	panic("unreachable")
}

// run is try for a client that must succeed.
func run(t *testing.T, dir, name string, args ...string) (printed string) {
	t.Helper()
	printed, status := try(t, dir, name, args...)
	if status != 0 {
		t.Fatalf("%s %s: exit status %d\n%s", name, strings.Join(args, " "), status, printed)
	}
	return printed
}

// startWithPipes starts cmd with pipes to its standard input and from its standard
// output.
func startWithPipes(t *testing.T, cmd *exec.Cmd) (in io.WriteCloser, out io.Reader) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if out, err = cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return in, out
}

// contents describes a tree: it maps slash-separated paths to the SHA-256 of each file
// and to "directory" for each directory.
func contents(t *testing.T, root string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			all[name] = "directory"
			return nil
		}
		content, err := os.ReadFile(filepath.Join(root, name))
		all[name] = fmt.Sprintf("%x", sha256.Sum256(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// wantSameTree checks that two directories have the same content.
func wantSameTree(t *testing.T, got, want string) {
	t.Helper()
	if diff := cmp.Diff(contents(t, want), contents(t, got)); diff != "" {
		t.Errorf("the trees differ (-want +got):\n%s", diff)
	}
}

// runToTheEnd starts a program that runs until the test ends, and returns what it prints, which the log of a failed test has.
// It ends by SIGTERM, because a shell may have made its programs ignore SIGINT.
func runToTheEnd(t *testing.T, name string, args ...string) *lines {
	t.Helper()
	log := newLines()
	cmd := exec.Command(name, args...)
	cmd.Env = environ(t)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", name, log)
		}
	})
	return log
}

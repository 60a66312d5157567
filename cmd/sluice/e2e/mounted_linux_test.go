//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fuseServer is a process that shows a directory by FUSE, and can be killed and started again.
type fuseServer struct {
	under, dir string
	kill       func()
}

// startFUSE shows the directory under at dir, which both exist.
func startFUSE(t *testing.T, under, dir string) *fuseServer {
	t.Helper()
	needsRoot(t)
	f := &fuseServer{under: under, dir: dir}
	f.start(t)
	t.Cleanup(func() {
		_ = syscall.Unmount(dir, 2) // MNT_DETACH
		f.kill()
	})
	return f
}

func (f *fuseServer) start(t *testing.T) {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", "testdata/faulty/faulty.py", f.under, f.dir)
	_, out := startWithPipes(t, cmd)
	f.kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "mounted\n" {
		f.kill()
		t.Fatal("no FUSE file system; it needs python3-fusepy and /dev/fuse")
	}
}

// restart mounts the file system again after it was killed.
func (f *fuseServer) restart(t *testing.T) {
	t.Helper()
	if err := syscall.Unmount(f.dir, 2); err != nil {
		t.Fatal(err)
	}
	f.start(t)
}

// The server of a FUSE file system is killed and started again. Until then its files are refused, and then they are served,
// without a restart of ours.
func TestAFUSEServerThatWasKilledIsServedAgain(t *testing.T) {
	const size = 300_000
	for _, tt := range []struct {
		name  string
		below string // the mount point in the served directory
		flags []string
	}{
		{"in the served directory", "mnt", nil},
		{"as the served directory, without the sandbox", "", []string{"--sandbox", "off"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			under, dir := t.TempDir(), t.TempDir()
			point := filepath.Join(dir, tt.below)
			if err := os.MkdirAll(point, 0o755); err != nil {
				t.Fatal(err)
			}
			writePattern(t, filepath.Join(under, "f"), size)
			disk := startFUSE(t, under, point)
			s := startForTwo(t, dir, tt.flags...)
			name := filepath.Join(tt.below, "f")
			status := func() int {
				code, err := getWithin(t.Context(), s.http.String()+name)
				if err != nil {
					t.Log(err)
				}
				return code
			}
			if got := status(); got != 200 {
				t.Fatalf("at first: status %d; log:\n%s", got, s.log)
			}
			disk.kill()
			for range 3 {
				if got := status(); got != 503 {
					t.Errorf("without its server: status %d, want 503", got)
				}
			}
			if reply := s.loginAs(user).replyTo(t, "RETR "+name); !strings.HasPrefix(reply, "450 ") {
				t.Errorf("without its server: %q, want 450", reply)
			}
			disk.restart(t)
			eventually(t, "the file is served again", func() bool { return status() == 200 })
			out := t.TempDir()
			curl(t, out, "-o", "f", s.urlOf("ftp", name))
			wantPattern(t, filepath.Join(out, "f"), 0, size)
			c := s.loginAs(user)
			c.wantPut(t, 226, "STOR "+filepath.Join(tt.below, "new"), 0, size)
			wantPattern(t, filepath.Join(under, "new"), 0, size)
		})
	}
}

// The server tries at its start what file systems can do, and leaves nothing behind.
func TestFileSystemsAreTriedAtTheStart(t *testing.T) {
	for _, tt := range []struct {
		name  string
		mount func(t *testing.T, under, dir string)
		write bool
		has   []string // in the log
		lacks []string
	}{
		{"a disk", func(*testing.T, string, string) {}, true, nil, []string{"file system of another machine"}},
		{
			"FUSE", func(t *testing.T, under, dir string) { startFUSE(t, under, dir) }, true,
			[]string{"file system of another machine or process", "type=fuse", "sendfile=yes", "replace=", "resume=yes", "lock=yes", "time_unit=1ns"}, []string{"does not answer", "cannot"},
		},
		{
			"FUSE, only for reading", func(t *testing.T, under, dir string) { startFUSE(t, under, dir) }, false,
			[]string{"type=fuse", "sendfile=yes"}, []string{"replace=", "does not answer"},
		},
		{
			"rclone without a cache", func(t *testing.T, under, dir string) { mountRclone(t, under, dir, "off") }, true,
			[]string{"type=fuse.rclone", "resume=no", "cannot write into files that exist", "--vfs-cache-mode writes"}, nil,
		},
		{
			"rclone with a cache", func(t *testing.T, under, dir string) { mountRclone(t, under, dir, "writes") }, true,
			[]string{"type=fuse.rclone", "resume=yes", "sendfile=yes"}, []string{"cannot write into"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			under, dir := t.TempDir(), t.TempDir()
			writePattern(t, filepath.Join(under, "f"), 100_000)
			tt.mount(t, under, dir)
			flags := []string{}
			if tt.write {
				flags = []string{"--user", login, "--write"}
			}
			s := startUnder(t, nil, dir, flags...)
			s.signal(syscall.SIGTERM)
			s.wantExit(patience) // the log is whole
			log := s.log.String()
			for _, text := range tt.has {
				if !strings.Contains(log, text) {
					t.Errorf("the log lacks %q:\n%s", text, log)
				}
			}
			for _, text := range tt.lacks {
				if strings.Contains(log, text) {
					t.Errorf("the log has %q:\n%s", text, log)
				}
			}
			left, err := os.ReadDir(under)
			if err != nil || len(left) != 1 {
				t.Errorf("the directory has %v, %v, want only f", left, err)
			}
		})
	}
}

// A start that waits for a file system says so, and goes on when that answers.
func TestAStartThatWaitsForAFileSystemSaysSo(t *testing.T) {
	dir := t.TempDir()
	disk := mountDisk(t, dir)
	disk.Hang()
	cmd := exec.Command(program, append([]string{"serve"}, asRoot([]string{"--http", "127.0.0.1:0", filepath.Join(dir, "lookup-dir")})...)...)
	cmd.Env = environ(t)
	log := newLines()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if got := log.await(1, patience, func(line string) bool { return strings.Contains(line, "the start waits for it") }); len(got) == 0 {
		t.Errorf("nothing in the log:\n%s", log)
	}
	disk.Answer() // Linux ends no process that waits for FUSE
	if err := cmd.Wait(); err == nil {
		t.Error("a file is served as a directory")
	}
}

// mountRclone shows the directory under at dir by rclone.
func mountRclone(t *testing.T, under, dir, cache string) {
	t.Helper()
	needsRoot(t)
	needs(t, "rclone")
	cmd := exec.Command("rclone", "mount", under, dir, "--vfs-cache-mode", cache, "--cache-dir", t.TempDir(), "--config", "/dev/null")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Unmount(dir, 2) // MNT_DETACH
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // its status does not matter
	})
	eventually(t, fmt.Sprint("rclone has mounted ", dir), func() bool {
		_, err := os.Stat(filepath.Join(dir, "f"))
		return err == nil
	})
}

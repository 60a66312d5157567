//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var endings = []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}

// onTerminal starts the program on a new terminal of its own, and returns the side of the terminal
// that programs use.
func onTerminal(t *testing.T, args ...string) (cmd *exec.Cmd, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	if terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	go func() { // takes what is printed
		b := make([]byte, 4096)
		for {
			if _, err := master.Read(b); err != nil {
				return
			}
		}
	}()
	cmd = exec.Command(program, args...)
	cmd.Env = append(environ(t), "TERM=xterm")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, terminal
}

// isRaw reports whether a terminal shows nothing that is typed.
func isRaw(t *testing.T, terminal *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO == 0
}

// waitFor waits for the end of a program.
func waitFor(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	select {
	case <-ended:
	case <-time.After(patience):
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		<-ended
		t.Fatalf("%v does not end", cmd.Args)
	}
}

// faults-trust.md, P4: SIGHUP left the terminal raw.
func TestSignalsRestoreTheTerminal(t *testing.T) {
	s := start(t, "--admin", "127.0.0.1:0")
	for name, args := range map[string][]string{
		"top": {"top", "--admin", adminOf(s)}, "passwd": {"passwd"},
	} {
		for _, sig := range endings {
			cmd, terminal := onTerminal(t, args...)
			eventually(t, name+" has the terminal", func() bool { return isRaw(t, terminal) })
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			waitFor(t, cmd)
			if isRaw(t, terminal) {
				t.Errorf("%s: %v leaves the terminal raw", name, sig)
			}
		}
	}
}

func TestSignalsRemoveTheFilesOfBench(t *testing.T) {
	for _, sig := range endings {
		dir := t.TempDir()
		cmd := exec.Command(program, "bench", "methods", "--html", "", "--dir", dir, "--sizes", "4KiB,64KiB")
		cmd.Env = environ(t)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		left := func() int {
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			return len(entries)
		}
		eventually(t, "there are files", func() bool { return left() > 0 })
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		waitFor(t, cmd)
		if left() > 0 {
			t.Errorf("%v leaves files", sig)
		}
	}
}

// A signal during the start left the sockets that were made by then.
func TestASignalDuringTheStartRemovesTheSockets(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGINT, syscall.SIGTERM} {
		cmd := exec.Command(program, append(append([]string{"serve"}, asRoot([]string{"--http", "unix:" + socket})...), t.TempDir())...)
		cmd.Env = environ(t)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		for deadline := time.Now().Add(patience); ; {
			if _, err := os.Lstat(socket); err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("there is no socket")
			}
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		waitFor(t, cmd)
		if !cmd.ProcessState.Success() {
			t.Errorf("%v: %v", sig, cmd.ProcessState)
		}
		if _, err := os.Lstat(socket); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v leaves the socket: %v", sig, err)
		}
	}
}

package metrics

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
)

// startElsewhere starts a process in a network namespace of its own, with a socket of
// each kind. It skips the test if this user may not make one.
func startElsewhere(t *testing.T) *exec.Cmd {
	t.Helper()
	elsewhere := func(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET} }
	probe := roleCommand("idle")
	elsewhere(probe)
	if err := probe.Run(); errors.Is(err, fs.ErrPermission) {
		t.Skip("cannot make a network namespace:", err)
	}
	return start(t, "listening", elsewhere)
}

func TestSocketsOfAProcessInAnotherNetworkNamespace(t *testing.T) {
	nettest.CheckLeaks(t)
	pid := startElsewhere(t).Process.Pid
	count := func() (got string, err error) {
		var n [3]int
		for i, protocol := range []Protocol{ProtocolTCP, ProtocolUDP} {
			for c, err := range (Host{}).Connections(Filter{Protocol: protocol, PID: pid}) {
				if err != nil {
					return "", err
				}
				if n[i]++; c.PID != pid {
					return "", fmt.Errorf("got %+v, want a socket of %d", c, pid)
				}
			}
		}
		for s, err := range (Host{}).UnixSockets(UnixFilter{PID: pid}) {
			if err != nil {
				return "", err
			}
			if s.Path == elsewhereName {
				n[2]++
			}
		}
		return fmt.Sprint(n), nil
	}
	if got, err := count(); err != nil || got != "[1 1 1]" {
		t.Errorf("got %v and %v, want one each of TCP, UDP and unix", got, err)
	}
	// The thread that was elsewhere must be back.
	ln := listen(t)
	if _, ok := find(t, rows(t, Filter{States: States(Listen)}), addrPort(ln.Addr()), addrPort(&net.TCPAddr{IP: net.IPv4zero})); !ok {
		t.Error("the listener of this process is missing afterwards")
	}
	for s, err := range (Host{}).UnixSockets(UnixFilter{}) {
		if err != nil || s.Path == elsewhereName {
			t.Errorf("got %+v and %v of another namespace", s, err)
		}
	}
	out, err := runWithoutRights(fmt.Sprintf("sockets %d", pid))
	if got := string(out); err != nil || !strings.Contains(got, "another network namespace") || !strings.HasSuffix(got, fmt.Sprint(fs.ErrPermission)+": true") {
		t.Errorf("without the right to enter it: got %q and %v, want fs.ErrPermission that names the namespace", got, err)
	}
}

// runWithoutRights runs the test binary in a role, without the right to enter
// namespaces, and returns its output.
func runWithoutRights(role string) (out []byte, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked, so the thread ends with the goroutine
		if err = unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_ADMIN, 0, 0, 0); err == nil {
			out, err = roleCommand(role).CombinedOutput() // a child of this thread
		}
	}()
	<-done
	return out, err
}

// printSocketsError prints the error of a list of the sockets of a process.
func printSocketsError(pid int) {
	for _, err := range (Host{}).Connections(Filter{PID: pid}) {
		fmt.Print(err, "; ", fs.ErrPermission, ": ", errors.Is(err, fs.ErrPermission) && errors.Is(err, ErrOtherNamespace))
		return
	}
}

// The first thread must not leave its namespace, because /proc/self/net would show
// another one from then on.
func TestAnotherThreadIsNeverTheFirst(t *testing.T) {
	out, err := roleCommand("threads").CombinedOutput()
	if got := string(out); err != nil || got != "[]" {
		t.Errorf("got %v, and calls on the first thread: %s, want none", err, got)
	}
}

// printFirstThreads prints which calls of onAnotherThread ran on the first thread.
func printFirstThreads() {
	runtime.UnlockOSThread() // of init: the first thread may now run any goroutine
	runtime.GOMAXPROCS(1)
	calls := []int{}
	for i := range 20 {
		onAnotherThread(func() bool {
			if unix.Gettid() == unix.Getpid() {
				calls = append(calls, i)
			}
			return true
		})
	}
	fmt.Print(calls)
}

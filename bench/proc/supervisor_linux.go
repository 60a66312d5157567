package proc

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// supervisorVar is the environment variable that turns a program with this package
// into a supervisor.
const supervisorVar = "SLUICE_PROC_SUPERVISOR"

// Descriptors of a supervisor. Those for the server follow.
const (
	requestsFD = 3 // requests; when they end, the supervisor ends everything
	reportsFD  = 4 // reports
	firstFD    = 5
)

// A startRequest is the first message to a supervisor.
type startRequest struct {
	Path  string
	Args  []string
	CPUs  []int
	Files int // number of descriptors for the server, from firstFD
}

// A stopRequest is the second and last message.
type stopRequest struct{ Grace time.Duration }

// A report is a message of a supervisor: the server is started, or failed to
// start; later it has exited; at the end, processes are left.
type report struct {
	PID    int
	Err    string
	Status *syscall.WaitStatus
	Left   []int
}

// killTimeout is how long the supervisor tries to kill processes.
const killTimeout = 10 * time.Second

func init() {
	if os.Getenv(supervisorVar) == "" {
		return
	}
	// The server must die with the supervisor. The kernel sends the signal when
	// the thread that forked ends, and the thread of init functions stays.
	runtime.LockOSThread()
	supervise()
	syscall.Exit(0) // not os.Exit: the race detector would sleep a second
}

// supervise starts the server of the start request, reaps its descendants, and
// ends all of them on a stop request or when its parent is gone.
func supervise() {
	unix.CloseOnExec(requestsFD)
	unix.CloseOnExec(reportsFD)
	from := json.NewDecoder(os.NewFile(requestsFD, "requests"))
	to := json.NewEncoder(os.NewFile(reportsFD, "reports"))

	// Only the parent ends a supervisor. The server does not inherit handlers,
	// but it would inherit ignored signals.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)

	var start startRequest
	if from.Decode(&start) != nil {
		return
	}
	pid, err := launch(start)
	if err != nil {
		_ = to.Encode(report{Err: err.Error()})
		return
	}
	_ = to.Encode(report{PID: pid})

	childless := make(chan struct{})
	go func() {
		defer close(childless)
		reap(func(dead int, status syscall.WaitStatus) {
			if dead == pid {
				_ = to.Encode(report{Status: &status})
			}
		})
	}()
	var stop stopRequest
	_ = from.Decode(&stop) // if the parent is gone, the grace is zero
	endAll(stop.Grace, childless)
	select {
	case <-childless:
	default:
		left, _ := descendants(os.Getpid())
		_ = to.Encode(report{Left: left})
	}
}

// launch starts the server and closes the descriptors for it.
func launch(start startRequest) (pid int, err error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, os.NewSyscallError("prctl(PR_SET_CHILD_SUBREAPER)", err)
	}
	if start.CPUs != nil {
		if err := setAffinity(0, start.CPUs); err != nil {
			return 0, err
		}
	}
	files := []uintptr{0, 1, 2}
	for i := range start.Files {
		unix.CloseOnExec(firstFD + i)
		files = append(files, uintptr(firstFD+i))
	}
	pid, err = syscall.ForkExec(start.Path, start.Args, &syscall.ProcAttr{
		Env:   serverEnv(),
		Files: files,
		// A group of its own, because some servers signal their whole group.
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return 0, &os.PathError{Op: "exec", Path: start.Path, Err: err}
	}
	for i := range start.Files {
		_ = unix.Close(firstFD + i)
	}
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return pid, nil // readers see the end of the output a little later
	}
	for fd := range 3 {
		_ = unix.Dup3(null, fd, 0)
	}
	_ = unix.Close(null)
	return pid, nil
}

// serverEnv returns the environment without supervisorVar.
func serverEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, supervisorVar+"=") {
			env = append(env, kv)
		}
	}
	return env
}

// reap waits for children, its own and adopted ones, until there are none.
func reap(dead func(pid int, status syscall.WaitStatus)) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil: // ECHILD: there are none
			return
		default:
			dead(pid, status)
		}
	}
}

// endAll sends SIGTERM to all descendants, and kills them after grace. It returns
// when childless is closed or killTimeout is over.
func endAll(grace time.Duration, childless <-chan struct{}) {
	if grace > 0 {
		signalAll(syscall.SIGTERM)
		select {
		case <-childless:
			return
		case <-time.After(grace):
		}
	}
	end := time.After(killTimeout)
	for {
		// Repeat: a process may fork while the others are killed.
		signalAll(syscall.SIGKILL)
		select {
		case <-childless:
			return
		case <-end:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func signalAll(sig syscall.Signal) {
	pids, _ := descendants(os.Getpid())
	for _, pid := range pids {
		_ = syscall.Kill(pid, sig)
	}
}

// failure returns the error that os/exec has for a wait status.
func failure(status syscall.WaitStatus) error {
	switch {
	case status.Signaled():
		return fmt.Errorf("signal: %s", status.Signal())
	case status.ExitStatus() != 0:
		return fmt.Errorf("exit status %d", status.ExitStatus())
	}
	return nil
}

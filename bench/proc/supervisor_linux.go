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

// supervisorVar makes a supervisor of a program that has this package in it.
const supervisorVar = "SLUICE_PROC_SUPERVISOR"

// A supervisor gets its descriptors in this order. What it hands to the server
// comes after them.
const (
	ordersFD = 3 // to read orders from; when it ends, so does everything
	newsFD   = 4 // to write news to
	firstFD  = 5
)

// orders is the first message to a supervisor.
type orders struct {
	Path  string
	Args  []string
	CPUs  []int
	Files int // how many descriptors to hand on, from firstFD
}

// farewell is the second and last.
type farewell struct{ Grace time.Duration }

// news is what a supervisor has to say: that the server is started or cannot
// be, later that it has ended, and at the end who is left.
type news struct {
	PID    int
	Err    string
	Status *syscall.WaitStatus
	Left   []int
}

// patience is how long processes are killed before they are given up.
const patience = 10 * time.Second

func init() {
	if os.Getenv(supervisorVar) == "" {
		return
	}
	// The server shall die with the supervisor. The kernel ties that to the
	// thread that forks, and init functions run on the one that stays.
	runtime.LockOSThread()
	supervise()
	syscall.Exit(0) // not os.Exit: the race detector would sleep a second
}

// supervise starts the server that it is ordered to start, reaps all that
// comes from it, and ends all of it when told to or when its parent is gone.
func supervise() {
	unix.CloseOnExec(ordersFD)
	unix.CloseOnExec(newsFD)
	from := json.NewDecoder(os.NewFile(ordersFD, "orders"))
	to := json.NewEncoder(os.NewFile(newsFD, "news"))

	// Nobody but the parent ends a supervisor. Handlers, unlike ignored
	// signals, are not inherited by the server.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)

	var o orders
	if from.Decode(&o) != nil {
		return
	}
	pid, err := launch(o)
	if err != nil {
		_ = to.Encode(news{Err: err.Error()})
		return
	}
	_ = to.Encode(news{PID: pid})

	childless := make(chan struct{})
	go func() {
		defer close(childless)
		reap(func(dead int, status syscall.WaitStatus) {
			if dead == pid {
				_ = to.Encode(news{Status: &status})
			}
		})
	}()
	var f farewell
	_ = from.Decode(&f) // a parent that is gone gives no grace
	endAll(f.Grace, childless)
	select {
	case <-childless:
	default:
		left, _ := descendants(os.Getpid())
		_ = to.Encode(news{Left: left})
	}
}

// launch starts the server and keeps none of the descriptors that are for it.
func launch(o orders) (pid int, err error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, os.NewSyscallError("prctl(PR_SET_CHILD_SUBREAPER)", err)
	}
	if o.CPUs != nil {
		if err := setAffinity(0, o.CPUs); err != nil {
			return 0, err
		}
	}
	files := []uintptr{0, 1, 2}
	for i := range o.Files {
		unix.CloseOnExec(firstFD + i)
		files = append(files, uintptr(firstFD+i))
	}
	pid, err = syscall.ForkExec(o.Path, o.Args, &syscall.ProcAttr{
		Env:   serverEnv(),
		Files: files,
		// A group of its own: some servers signal all of their group.
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return 0, &os.PathError{Op: "exec", Path: o.Path, Err: err}
	}
	for i := range o.Files {
		_ = unix.Close(firstFD + i)
	}
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return pid, nil // readers learn of the server's end a little later
	}
	for fd := range 3 {
		_ = unix.Dup3(null, fd, 0)
	}
	_ = unix.Close(null)
	return pid, nil
}

// serverEnv is the environment without what makes a supervisor.
func serverEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, supervisorVar+"=") {
			env = append(env, kv)
		}
	}
	return env
}

// reap waits for children, born or adopted, until there are none.
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

// endAll asks all descendants to end, and kills them when grace is over. It
// returns when childless is closed or patience is over.
func endAll(grace time.Duration, childless <-chan struct{}) {
	if grace > 0 {
		signalAll(syscall.SIGTERM)
		select {
		case <-childless:
			return
		case <-time.After(grace):
		}
	}
	end := time.After(patience)
	for {
		// Again and again: one may fork while the others are killed.
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

// failure turns a wait status into what os/exec would say.
func failure(status syscall.WaitStatus) error {
	switch {
	case status.Signaled():
		return fmt.Errorf("signal: %s", status.Signal())
	case status.ExitStatus() != 0:
		return fmt.Errorf("exit status %d", status.ExitStatus())
	}
	return nil
}

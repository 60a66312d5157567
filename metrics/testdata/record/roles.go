package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// roles are the main functions of this program when it is started by these names.
var roles = map[string]func(){
	"/bin/true":     func() {},
	"/bin/sleep":    func() { time.Sleep(time.Hour) },
	"/bin/idle":     idle(""),
	"/bin/hostile":  idle(") R 1 ("),
	"/bin/newline":  idle("a\n\xff b"),
	"/bin/threads":  manyThreads,
	"/bin/deleted":  idle(""),
	"/bin/stranger": idle(""),
}

// keepOpen holds files that must stay open until the recording is complete.
var keepOpen []any

// start starts a role and waits until it is ready. The role "true" is a zombie then.
func start(role string) (pid int, err error) {
	cmd := exec.Command(role, "one argument", "")
	cmd.Env = []string{"ROLE=" + role, "EMPTY="}
	cmd.Dir = "/tmp"
	switch role {
	case "/bin/deleted":
		cmd.Path = "/tmp/deleted"
		self, err := os.ReadFile("/init")
		if err != nil {
			return 0, err
		}
		if err := os.WriteFile(cmd.Path, self, 0o755); err != nil {
			return 0, err
		}
		defer os.Remove(cmd.Path)
	case "/bin/stranger":
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 4_000_000_000}}
	}
	for range 5 {
		null, err := os.Open("/dev/null")
		if err != nil {
			return 0, err
		}
		defer null.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, null)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	keepOpen = append(keepOpen, stdin, stdout)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	_, err = io.ReadAtLeast(stdout, make([]byte, 1), 1)
	if err == io.EOF { // the process ends; the kernel closes its files before it becomes a zombie
		err = waitForZombie(cmd.Process.Pid)
	}
	return cmd.Process.Pid, err
}

func waitForZombie(pid int) error {
	for range 1000 {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(b), ") Z ") {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("process %d has not become a zombie", pid)
}

// idle returns a role that prints "ready" and waits for the end of the machine. If
// name is not empty, the process takes that name.
func idle(name string) func() {
	return func() {
		if name != "" {
			if err := os.WriteFile("/proc/self/comm", []byte(name), 0); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return
			}
		}
		fmt.Println("ready")
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
}

// manyThreads is the role idle with six more threads.
func manyThreads() {
	const extraThreads = 6
	ready := make(chan bool)
	for range extraThreads {
		go func() {
			runtime.LockOSThread()
			ready <- true
			select {}
		}()
	}
	for range extraThreads {
		<-ready
	}
	idle("")()
}

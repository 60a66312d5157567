//go:build !linux

package proc

import (
	"os"
	"os/exec"
	"time"
)

// A tree is the server, and on Unix its process group.
type tree struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when the server was waited for
}

// startTree starts the server at path. It closes none of the files.
func startTree(c *Command, path string, stdout, stderr *os.File) (t *tree, pid int, err error) {
	if c.CPUs != nil {
		return nil, 0, errNoAffinity
	}
	cmd := &exec.Cmd{
		Path: path, Args: c.Args, Env: append(os.Environ(), c.Env...), Dir: c.Dir,
		Stdout: stdout, Stderr: stderr, ExtraFiles: c.ExtraFiles, SysProcAttr: ownGroup,
	}
	if c.Stdin != nil {
		cmd.Stdin = c.Stdin
	}
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	return &tree{cmd: cmd, ended: make(chan struct{})}, cmd.Process.Pid, nil
}

// wait waits for the end of the server. It is called once.
func (t *tree) wait() error {
	defer close(t.ended)
	return t.cmd.Wait()
}

// stop is called once.
func (t *tree) stop(grace time.Duration) error {
	if grace > 0 && terminate(t.cmd.Process.Pid) {
		select {
		case <-t.ended:
		case <-time.After(grace):
		}
	}
	kill(t.cmd.Process)
	<-t.ended
	return nil
}

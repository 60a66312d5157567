package proc

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// A tree is a supervisor and its descendants.
type tree struct {
	cmd      *exec.Cmd
	requests *os.File // closing it ends the supervisor
	reports  *os.File
	ended    chan struct{} // closed after the last report of the supervisor
	exit     chan error    // gets the exit of the server, once
	left     []int         // processes that could not be killed; valid after ended is closed
}

// startTree starts the server at path below a supervisor. It closes none of
// the files.
func startTree(c *Command, path string, stdout, stderr *os.File) (t *tree, pid int, err error) {
	theirRequests, requests, err := os.Pipe()
	if err != nil {
		return nil, 0, err
	}
	defer theirRequests.Close()
	reports, theirReports, err := os.Pipe()
	if err != nil {
		_ = requests.Close()
		return nil, 0, err
	}
	defer theirReports.Close()

	cmd := &exec.Cmd{
		// This is the right file even if it was replaced or removed.
		Path:        "/proc/self/exe",
		Args:        []string{"supervisor of " + path},
		Env:         append(append(os.Environ(), c.Env...), supervisorVar+"=1"),
		Dir:         c.Dir,
		Stdout:      stdout,
		Stderr:      stderr,
		ExtraFiles:  append([]*os.File{theirRequests, theirReports}, c.ExtraFiles...),
		SysProcAttr: &syscall.SysProcAttr{Setsid: true}, // no terminal, no Ctrl-C
	}
	if c.Stdin != nil {
		cmd.Stdin = c.Stdin
	}
	t = &tree{
		cmd: cmd, requests: requests, reports: reports,
		ended: make(chan struct{}), exit: make(chan error, 1),
	}
	if err := cmd.Start(); err != nil {
		t.close()
		return nil, 0, err
	}
	_ = theirReports.Close() // so that the reports end with the supervisor
	from := json.NewDecoder(reports)
	var first report
	err = json.NewEncoder(requests).Encode(startRequest{Path: path, Args: c.Args, CPUs: c.CPUs, Files: len(c.ExtraFiles)})
	if err == nil {
		err = from.Decode(&first)
	}
	if err == nil && first.Err != "" {
		err = errors.New(first.Err)
	}
	if err != nil {
		t.close()
		_ = cmd.Wait()
		return nil, 0, err
	}
	go t.readReports(from)
	return t, first.PID, nil
}

// readReports reads the reports of the supervisor until it ends.
func (t *tree) readReports(from *json.Decoder) {
	defer close(t.ended)
	for {
		var r report
		if err := from.Decode(&r); err != nil {
			_ = t.cmd.Wait()
			select {
			case t.exit <- errors.New("its supervisor is gone"):
			default: // it has reported the exit of the server
			}
			return
		}
		if r.Status != nil {
			t.exit <- failure(*r.Status)
		}
		t.left = append(t.left, r.Left...)
	}
}

// wait waits for the exit of the server. It is called once.
func (t *tree) wait() error { return <-t.exit }

// stop is called once.
func (t *tree) stop(grace time.Duration) error {
	defer t.close()
	_ = json.NewEncoder(t.requests).Encode(stopRequest{Grace: max(grace, 0)}) // fails if the supervisor is gone
	<-t.ended
	if len(t.left) > 0 {
		return fmt.Errorf("processes %v could not be killed", t.left)
	}
	return nil
}

func (t *tree) close() {
	_ = t.requests.Close()
	_ = t.reports.Close()
}

// root returns the supervisor: its descendants are the processes of the server.
func (t *tree) root() int { return t.cmd.Process.Pid }

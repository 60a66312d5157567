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

// A tree is a supervisor and what is below it.
type tree struct {
	cmd   *exec.Cmd
	tell  *os.File // orders; its end is the supervisor's
	news  *os.File
	ended chan struct{} // closed when the supervisor has said all
	exit  chan error    // gets the one end of the server
	left  []int         // after ended: those that could not be killed
}

// startTree starts the server at path below a supervisor. It closes none of
// the files.
func startTree(c *Command, path string, stdout, stderr *os.File) (t *tree, pid int, err error) {
	theirOrders, tell, err := os.Pipe()
	if err != nil {
		return nil, 0, err
	}
	defer theirOrders.Close()
	listen, theirNews, err := os.Pipe()
	if err != nil {
		_ = tell.Close()
		return nil, 0, err
	}
	defer theirNews.Close()

	cmd := &exec.Cmd{
		// Also right when the file was replaced or removed since.
		Path:        "/proc/self/exe",
		Args:        []string{"supervisor of " + path},
		Env:         append(append(os.Environ(), c.Env...), supervisorVar+"=1"),
		Dir:         c.Dir,
		Stdout:      stdout,
		Stderr:      stderr,
		ExtraFiles:  append([]*os.File{theirOrders, theirNews}, c.ExtraFiles...),
		SysProcAttr: &syscall.SysProcAttr{Setsid: true}, // no terminal, no Ctrl-C
	}
	if c.Stdin != nil {
		cmd.Stdin = c.Stdin
	}
	t = &tree{
		cmd: cmd, tell: tell, news: listen,
		ended: make(chan struct{}), exit: make(chan error, 1),
	}
	if err := cmd.Start(); err != nil {
		t.close()
		return nil, 0, err
	}
	_ = theirNews.Close() // so that the news end with the supervisor
	from := json.NewDecoder(listen)
	var first news
	err = json.NewEncoder(tell).Encode(orders{Path: path, Args: c.Args, CPUs: c.CPUs, Files: len(c.ExtraFiles)})
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
	go t.hear(from)
	return t, first.PID, nil
}

// hear takes down what the supervisor says, to its end.
func (t *tree) hear(from *json.Decoder) {
	defer close(t.ended)
	for {
		var n news
		if err := from.Decode(&n); err != nil {
			_ = t.cmd.Wait()
			select {
			case t.exit <- errors.New("its supervisor is gone"):
			default: // it had told the end of the server
			}
			return
		}
		if n.Status != nil {
			t.exit <- failure(*n.Status)
		}
		t.left = append(t.left, n.Left...)
	}
}

// wait waits for the end of the server. It is called once.
func (t *tree) wait() error { return <-t.exit }

// stop is called once.
func (t *tree) stop(grace time.Duration) error {
	defer t.close()
	_ = json.NewEncoder(t.tell).Encode(farewell{Grace: max(grace, 0)}) // fails if the supervisor is gone
	<-t.ended
	if len(t.left) > 0 {
		return fmt.Errorf("processes %v could not be killed", t.left)
	}
	return nil
}

func (t *tree) close() {
	_ = t.tell.Close()
	_ = t.news.Close()
}

// root is the process whose descendants are the server's, and which is not
// itself one of them.
func (t *tree) root() int { return t.cmd.Process.Pid }

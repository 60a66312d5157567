// Package proc starts the servers that a benchmark measures, accounts what they
// use, and leaves no process behind.
//
//	server, err := proc.Start(proc.Command{Args: []string{"nginx", "-p", dir}, CPUs: []int{0}})
//	if err != nil {
//		return err
//	}
//	defer server.Stop(time.Second)
//	before, _ := server.Usage()
//	measure()
//	after, _ := server.Usage()
//	fmt.Println(after.Sub(before).CPU())
//
// On Linux each server runs below a supervisor: another process of this program,
// which becomes the parent of every descendant whose parent ends. So daemons are
// found whatever they do to their session, and all descendants die with this
// process, even after SIGKILL: PR_SET_CHILD_SUBREAPER gives them to the supervisor,
// and the supervisor kills them when the pipe from its parent ends. A signal at the
// death of the parent (PR_SET_PDEATHSIG) alone would reach only the child, and not
// the workers of nginx. The init function of this package turns a process into a
// supervisor.
//
// On other systems a server is a process, on Unix a process group, and its use
// of resources is unknown.
package proc

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// A Command is a server to start.
type Command struct {
	Args []string // program, looked up on PATH if it has no slash, and arguments
	Env  []string // added to the environment of this process
	Dir  string   // working directory; "": that of this process
	CPUs []int    // processors to run on; nil: those of this process

	// Log, if not nil, gets the output, from one goroutine. The last 8 KiB are
	// kept for errors in any case.
	Log io.Writer

	// Stdin, Stdout and Stderr are those of the server instead of the null device
	// and the log. The caller may close them once Start has returned.
	Stdin, Stdout, Stderr *os.File

	// ExtraFiles become descriptors 3 and up of the server. Not on Windows.
	ExtraFiles []*os.File
}

// A Process is a server that was started, with all its descendants.
// Its methods may be called from any goroutine.
type Process struct {
	name    string
	pid     int
	tree    *tree
	printed tail

	outputEnded chan struct{} // closed when no process can print any more
	exited      chan struct{} // closed when the first process has ended, after err is set
	err         error

	stopping chan struct{} // closed by the first Stop
	stopped  sync.Once
	stopErr  error

	mu    sync.Mutex // guards the fields below
	usage Usage      // the highest sums returned so far
}

// outputGrace is how long the output of a process that has ended is read if other
// processes hold it open.
const outputGrace = 100 * time.Millisecond

// Start starts a server. It returns when the program is executed, before it
// listens. The caller must call Stop, even if the server ends by itself.
func Start(c Command) (*Process, error) {
	if len(c.Args) == 0 {
		return nil, errors.New("start a server: no program given")
	}
	path, err := exec.LookPath(c.Args[0])
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Args[0], err)
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Args[0], err)
	}
	p := &Process{
		name:        c.Args[0],
		outputEnded: make(chan struct{}),
		exited:      make(chan struct{}),
		stopping:    make(chan struct{}),
	}
	p.tree, p.pid, err = startTree(&c, path, cmp.Or(c.Stdout, theirs), cmp.Or(c.Stderr, theirs))
	_ = theirs.Close()
	if err != nil {
		_ = ours.Close()
		return nil, fmt.Errorf("start %s: %w", c.Args[0], err)
	}
	go p.readOutput(ours, c.Log)
	go p.wait()
	return p, nil
}

// readOutput reads and closes r. If the log fails, it gets no more output, and the
// server goes on.
func (p *Process) readOutput(r *os.File, log io.Writer) {
	defer close(p.outputEnded)
	defer r.Close()
	buf := make([]byte, tailSize)
	for {
		n, err := r.Read(buf)
		_, _ = p.printed.Write(buf[:n])
		if log != nil && n > 0 {
			if _, err := log.Write(buf[:n]); err != nil {
				log = nil
			}
		}
		if err != nil {
			return
		}
	}
}

// wait waits for the first process.
func (p *Process) wait() {
	defer close(p.exited)
	err := p.tree.wait()
	select {
	case <-p.outputEnded:
	case <-time.After(outputGrace):
	}
	select {
	case <-p.stopping:
		return
	default:
	}
	if err == nil {
		err = errors.New("ended by itself")
	}
	p.err = fmt.Errorf("%s: %w", p.name, err)
	if said := p.printed.String(); said != "" {
		p.err = fmt.Errorf("%w; it printed:\n%s", p.err, said)
	}
}

// PID returns the process that Start has started. It may have descendants.
func (p *Process) PID() int { return p.pid }

// Exited is closed when the process that Start has started has ended, by itself
// or by Stop. Its descendants may still run.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Err returns why the process has ended, with its last output. It is nil while
// the process runs and after Stop; a server that ends by itself has always
// failed.
func (p *Process) Err() error {
	select {
	case <-p.exited:
		return p.err
	default:
		return nil
	}
}

// Printed returns the last 8 KiB of the output of the processes.
func (p *Process) Printed() string { return p.printed.String() }

// Stop ends p and its descendants with SIGTERM, and those that are left after
// grace with SIGKILL. It returns when no process is left, or an error with the
// processes that could not be killed. Further calls wait for the first one and
// return the same. Systems without signals kill at once.
func (p *Process) Stop(grace time.Duration) error {
	p.stopped.Do(func() {
		close(p.stopping)
		if err := p.tree.stop(grace); err != nil {
			p.stopErr = fmt.Errorf("stop %s: %w", p.name, err)
			return
		}
		<-p.exited
		<-p.outputEnded
	})
	return p.stopErr
}

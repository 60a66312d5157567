// Package proc starts the servers that a benchmark measures, says what they
// use, and leaves nothing of them behind.
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
// On Linux each server runs below a supervisor: this very program, started
// again, which becomes the parent of every descendant that loses its own. So
// daemons are found whatever they do to their session, and all of them die
// when this process does, even by SIGKILL. The init function of this package
// is what makes a supervisor of a program.
//
// Elsewhere a server is a process, on Unix a process group, and what it uses
// is not known.
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
	Dir  string   // where it starts; "": where this process is
	CPUs []int    // where it may run; nil: where this process may

	// Log gets what it prints, from one goroutine; nil: nobody. The last 8 KiB
	// are kept for errors in any case.
	Log io.Writer

	// Stdin and Stdout are given to the server in place of the null device and
	// of the log. The caller may close them once Start has returned.
	Stdin, Stdout *os.File

	// ExtraFiles are given to it as descriptors 3 and up. Not on Windows.
	ExtraFiles []*os.File
}

// A Process is a server that was started, and all processes that come from it.
// Its methods may be called from any goroutine.
type Process struct {
	name    string
	pid     int
	tree    *tree
	printed tail

	heard  chan struct{} // closed when nobody can print any more
	exited chan struct{} // closed when the first process has ended, and err is set
	err    error

	stopping chan struct{} // closed by the first Stop
	stopped  sync.Once
	stopErr  error

	mu    sync.Mutex // guards the fields below
	usage Usage      // the highest sums told so far
}

// lastWords is how long a process that has ended is listened to if others hold
// its output open.
const lastWords = 100 * time.Millisecond

// Start starts a server. It returns when the program is executed, which is
// before it listens. The caller must Stop it, even if it ends by itself.
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
		name:     c.Args[0],
		heard:    make(chan struct{}),
		exited:   make(chan struct{}),
		stopping: make(chan struct{}),
	}
	p.tree, p.pid, err = startTree(&c, path, cmp.Or(c.Stdout, theirs), theirs)
	_ = theirs.Close()
	if err != nil {
		_ = ours.Close()
		return nil, fmt.Errorf("start %s: %w", c.Args[0], err)
	}
	go p.listen(ours, c.Log)
	go p.wait()
	return p, nil
}

// listen closes r. A log that fails gets no more, and the server goes on.
func (p *Process) listen(r *os.File, log io.Writer) {
	defer close(p.heard)
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
	case <-p.heard:
	case <-time.After(lastWords):
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

// PID is the process that Start has started. It may have others below it.
func (p *Process) PID() int { return p.pid }

// Exited is closed when the process that Start has started has ended, by
// itself or by Stop. Others that come from it may still run.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Err tells why the process has ended, with the last of what it printed. It is
// nil while it runs and if Stop has ended it; a server that ends by itself has
// always failed.
func (p *Process) Err() error {
	select {
	case <-p.exited:
		return p.err
	default:
		return nil
	}
}

// Printed is the last 8 KiB, at most, of what the processes have printed.
func (p *Process) Printed() string { return p.printed.String() }

// Stop ends all processes that come from p: with SIGTERM, and those that are
// left after grace with SIGKILL. It returns when none is left, or with an error
// that names those which could not be killed. Further calls wait for the first
// and return the same. Where there are no signals, it kills at once.
func (p *Process) Stop(grace time.Duration) error {
	p.stopped.Do(func() {
		close(p.stopping)
		if err := p.tree.stop(grace); err != nil {
			p.stopErr = fmt.Errorf("stop %s: %w", p.name, err)
			return
		}
		<-p.exited
		<-p.heard
	})
	return p.stopErr
}

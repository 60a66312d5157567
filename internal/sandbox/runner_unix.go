//go:build unix

package sandbox

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"
)

// canRun is set on systems that can run programs for a server.
const canRun = true

// Runner runs one program, which was named before Contain, in a process that was started
// then. Nothing that the server sends can make that process run another program, or give it
// other arguments: the server sends only the standard input of a run. A Runner may be used by
// several goroutines at once.
type Runner struct {
	program Program
	helper  helper
	log     func(line string)
	slots   chan struct{} // an element for each run under way
	ended   chan struct{} // closed when no run is answered any more
	read    chan struct{} // closed when the reader has ended

	mu      sync.Mutex // guards the fields below
	last    uint32
	pending map[uint32]chan<- runReply
}

// runReply is the end of a run.
type runReply struct {
	output []byte
	err    error
}

// RunnerArgument is the only argument of the process that runs programs.
const RunnerArgument = "run-program-for-serve"

// StartRunner starts the process that runs p, which is this program itself. Call it before
// Contain. It becomes p.User for good, and ends, with all that it runs, when this process ends.
// log gets each line that a run writes to its standard error. The error is one of the system if
// p.User may not run p.
func StartRunner(p Program, log func(line string)) (*Runner, error) {
	r := &Runner{
		program: p, log: log, slots: make(chan struct{}, p.AtOnce),
		ended: make(chan struct{}), read: make(chan struct{}), pending: make(map[uint32]chan<- runReply),
	}
	if err := r.helper.start(RunnerArgument, p); err != nil {
		return nil, fmt.Errorf("start the helper for %s: %w", p.Path, err)
	}
	go r.readReplies()
	return r, nil
}

// Run runs the program once, with input as its standard input, and returns its output. It waits
// for another run to end if there are too many. If ctx ends, Run returns and the program goes
// on.
func (r *Runner) Run(ctx context.Context, input []byte) ([]byte, error) {
	if len(input) > MaxInput {
		return nil, fmt.Errorf("an input of %d bytes is too large", len(input))
	}
	limit := time.NewTimer(r.program.Timeout)
	defer limit.Stop()
	select {
	case r.slots <- struct{}{}: // readReplies frees it
	case <-limit.C:
		return nil, ErrBusy
	case <-r.ended:
		return nil, errRunnerEnded
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	reply := make(chan runReply, 1)
	r.mu.Lock()
	r.last++
	r.pending[r.last] = reply
	frame := binary.BigEndian.AppendUint32(nil, r.last)
	frame = append(binary.BigEndian.AppendUint32(frame, uint32(len(input))), input...)
	_ = r.helper.conn.SetWriteDeadline(time.Now().Add(r.program.Timeout))
	_, err := r.helper.conn.Write(frame)
	r.mu.Unlock()
	clear(frame)
	if err != nil { // a part of the frame may have been sent: nothing can follow it
		_ = r.helper.conn.Close() // ends readReplies
	}
	limit.Reset(r.program.Timeout + stopTime + time.Second) // if the helper itself hangs
	select {
	case end := <-reply:
		return end.output, end.err
	case <-limit.C:
		return nil, ErrBusy
	case <-r.ended:
		return nil, errRunnerEnded
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// readReplies gives the replies to those who wait, until the helper ends.
func (r *Runner) readReplies() {
	defer close(r.read)
	defer close(r.ended)
	head := make([]byte, 9)
	for {
		if _, err := io.ReadFull(r.helper.conn, head); err != nil {
			return
		}
		kind, id, size := head[0], binary.BigEndian.Uint32(head[1:]), binary.BigEndian.Uint32(head[5:])
		if size > MaxOutput {
			return
		}
		payload := make([]byte, size)
		if _, err := io.ReadFull(r.helper.conn, payload); err != nil {
			return
		}
		switch kind {
		case replyLog:
			r.log(string(payload))
		case replyOutput:
			r.finish(id, runReply{output: payload})
		case replyFailure:
			r.finish(id, runReply{err: RunError(payload)})
		}
	}
}

func (r *Runner) finish(id uint32, end runReply) {
	r.mu.Lock()
	reply, ok := r.pending[id]
	delete(r.pending, id)
	r.mu.Unlock()
	if ok {
		reply <- end
		<-r.slots
	}
}

// Close ends the helper and all runs. A nil *Runner may be closed.
func (r *Runner) Close() error {
	if r == nil {
		return nil
	}
	err := r.helper.close()
	<-r.read
	return err
}

// The kinds of frames that the helper sends: kind, number of the run, size, content.
const (
	replyOutput  = 'o'
	replyFailure = 'f'
	replyLog     = 'l'
)

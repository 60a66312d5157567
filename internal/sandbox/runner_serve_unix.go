//go:build unix

package sandbox

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stopTime is how long a run may keep its output open after it was killed, or has ended: by
// processes that have left its group.
const stopTime = time.Second

// serveRunner runs the program for the server until that ends.
func serveRunner(conn *net.UnixConn) error {
	// Unlike with signal.Ignore, the program gets the defaults.
	signal.Notify(make(chan os.Signal, 1), signalsOfTerminals...)
	var p Program
	if err := readSetup(conn, &p); err != nil {
		return err
	}
	if p.User != nil && !p.User.IsRoot() {
		if err := setIDs(p.User); err != nil {
			return errors.Join(err, writeReply(conn, nil, syscall.EPERM))
		}
	}
	err := unix.Faccessat(unix.AT_FDCWD, p.Path, unix.X_OK, 0)
	if replyErr := writeReply(conn, nil, err); err != nil || replyErr != nil {
		return replyErr // the server reports err
	}
	s := &runServer{program: p, conn: conn}
	ctx, cancel := context.WithCancel(context.Background())
	defer s.running.Wait()
	defer cancel() // kills all that runs
	slots := make(chan struct{}, p.AtOnce)
	head := make([]byte, 8)
	for {
		switch _, err := io.ReadFull(conn, head); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		id, size := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
		if size > MaxInput {
			return fmt.Errorf("the server has sent %d bytes for one run", size)
		}
		input := make([]byte, size)
		if _, err := io.ReadFull(conn, input); err != nil {
			return err
		}
		slots <- struct{}{}
		s.running.Go(func() {
			defer func() { <-slots }()
			s.serve(ctx, id, input)
		})
	}
}

// runServer runs a program.
type runServer struct {
	program Program
	running sync.WaitGroup

	mu   sync.Mutex // guards writes to conn
	conn *net.UnixConn
}

// serve runs the program once and sends the result.
func (s *runServer) serve(ctx context.Context, id uint32, input []byte) {
	output, err := s.run(ctx, id, input)
	clear(input)
	if err != nil {
		s.send(replyFailure, id, []byte(err.Error()))
		return
	}
	s.send(replyOutput, id, output)
}

// send sends a frame. If that fails, the server has ended, and so will this process.
func (s *runServer) send(kind byte, id uint32, payload []byte) {
	frame := binary.BigEndian.AppendUint32([]byte{kind}, id)
	frame = append(binary.BigEndian.AppendUint32(frame, uint32(len(payload))), payload...)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.conn.Write(frame)
}

// run runs the program once, in a process group of its own, which is killed at the end.
func (s *runServer) run(ctx context.Context, id uint32, input []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.program.Timeout)
	defer cancel()
	output := &boundedOutput{full: cancel}
	messages := &logWriter{log: func(line []byte) { s.send(replyLog, id, line) }}
	cmd := exec.CommandContext(ctx, s.program.Path, s.program.Args...)
	cmd.Env, cmd.Dir = []string{programPath}, "/"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), output, messages
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	killGroup := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Cancel, cmd.WaitDelay = killGroup, stopTime

	if err := cmd.Start(); err != nil {
		return nil, err
	}
	err := cmd.Wait()
	_ = killGroup() // what is left in the background
	messages.end()
	if ended := new(exec.ExitError); errors.As(err, &ended) && !output.isFull && ctx.Err() == nil {
		return nil, fmt.Errorf("it has ended with %v", ended.ProcessState)
	}
	switch {
	case output.isFull:
		return nil, fmt.Errorf("it has written more than %d bytes", MaxOutput)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("it was killed because it had not ended after %v", s.program.Timeout)
	case ctx.Err() != nil:
		return nil, errors.New("the server has ended")
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return nil, err
	}
	return output.content, nil
}

// boundedOutput keeps MaxOutput bytes; more of them end the run.
type boundedOutput struct {
	content []byte
	isFull  bool
	full    func()
}

func (b *boundedOutput) Write(p []byte) (int, error) {
	if len(b.content)+len(p) > MaxOutput {
		b.isFull = true
		b.full()
		return 0, errors.New("too much output")
	}
	b.content = append(b.content, p...)
	return len(p), nil
}

// logWriter splits what a run writes to its standard error into lines. It takes everything,
// and forgets what is too much.
type logWriter struct {
	log   func(line []byte)
	line  []byte
	lines int
}

func (w *logWriter) Write(p []byte) (int, error) {
	for _, c := range p {
		if c == '\n' {
			w.end()
		} else if len(w.line) < maxLogLine {
			w.line = append(w.line, c)
		}
	}
	return len(p), nil
}

// end ends a line.
func (w *logWriter) end() {
	if len(w.line) > 0 && w.lines < maxLogLines {
		w.lines++
		w.log(w.line)
	}
	w.line = w.line[:0]
}

package metrics

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
)

func TestWaitReturnsWhenTheProcessHasEnded(t *testing.T) {
	nettest.CheckLeaks(t)
	for _, tt := range []struct {
		name   string
		host   Host
		denied syscall.Errno // of pidfd_open
	}{
		{"by a pidfd", Host{}, 0},
		{"by looking, where there is no pidfd", Host{}, unix.ENOSYS},
		{"by looking, where pidfds are refused", Host{}, unix.EPERM},
		{"by looking, at a /proc elsewhere", Host{Proc: "/proc"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := start(t, "idle")
			p, err := tt.host.Open(cmd.Process.Pid)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			injectError = func(call string) syscall.Errno {
				if call == "pidfd_open" {
					return tt.denied
				}
				return 0
			}
			defer func() { injectError = nil }()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if err := p.Wait(ctx); err != context.DeadlineExceeded { //nolint:errorlint // it promises the error itself
				t.Errorf("while it runs: got %v, want %v", err, context.DeadlineExceeded)
			}
			ended := make(chan error)
			go func() { ended <- p.Wait(t.Context()) }()
			_ = cmd.Process.Kill()
			if err := <-ended; err != nil { // it is a zombie
				t.Errorf("got %v, want nil", err)
			}
			if p.Alive() {
				t.Error("it is alive")
			}
			_ = cmd.Wait()
			if err := p.Wait(t.Context()); err != nil {
				t.Errorf("after it was reaped: got %v, want nil", err)
			}
		})
	}
}

func TestWaitWithAClosedHandleIsFSErrClosed(t *testing.T) {
	p := Self()
	_ = p.Close()
	if err := p.Wait(t.Context()); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("got %v, want fs.ErrClosed", err)
	}
}

func TestWaitAllReturnsTheProcessesThatRun(t *testing.T) {
	nettest.CheckLeaks(t)
	ending, running := start(t, "idle"), start(t, "idle")
	processes := []*Process{open(t, running.Process.Pid), open(t, ending.Process.Pid), open(t, os.Getpid())}
	_ = ending.Process.Kill()
	ctx, cancel := context.WithCancel(t.Context())
	var ended []int
	left, err := WaitAll(ctx, processes, func(p *Process) { ended = append(ended, p.ID().PID); cancel() })
	if err != nil || len(left) != 2 || left[0] != processes[0] || left[1] != processes[2] {
		t.Errorf("got %v and %v, want the first and the last of %v", left, err, processes)
	}
	if len(ended) != 1 || ended[0] != ending.Process.Pid {
		t.Errorf("ended: got %v, want %d", ended, ending.Process.Pid)
	}
	_ = processes[1].Close()
	if left, err := WaitAll(ctx, processes[1:2], nil); !errors.Is(err, fs.ErrClosed) || len(left) != 0 {
		t.Errorf("a closed handle: got %v and %v, want fs.ErrClosed", left, err)
	}
	if left, err := WaitAll(ctx, nil, nil); err != nil || len(left) != 0 {
		t.Errorf("no processes: got %v and %v", left, err)
	}
}

// A look costs as much as a read of the process, so looks become rare.
func TestWaitByLookingLooks25TimesASecond(t *testing.T) {
	p := open(t, os.Getpid())
	looks := 0
	injectError = func(call string) syscall.Errno {
		if call == "openat" {
			looks++
		}
		return 0
	}
	defer func() { injectError = nil }()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		if err := p.waitByLooking(ctx); err != ctx.Err() || time.Since(began) != 10*time.Second { //nolint:errorlint // it promises the error itself
			t.Errorf("got %v after %v, want %v after 10 s", err, time.Since(began), ctx.Err())
		}
	})
	if looks < 250 || looks > 260 {
		t.Errorf("got %d looks in 10 s, want 250 and a few at the beginning", looks)
	}
}

// The first thread remains as a zombie.
func TestAProcessIsAliveWhileOnlyItsFirstThreadHasEnded(t *testing.T) {
	nettest.CheckLeaks(t)
	cmd := start(t, "headless")
	p := open(t, cmd.Process.Pid)
	for snap(t, p, FieldState).State != Zombie { //nolint:revive // wait until the first thread has ended
	}
	if !p.Alive() {
		t.Errorf("it is not alive, got %+v", snap(t, p, Basic))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait: got %v, want %v", err, context.DeadlineExceeded)
	}
	_ = cmd.Process.Kill()
	if err := p.Wait(t.Context()); err != nil || p.Alive() {
		t.Errorf("killed: got %v and alive %v, want false", err, p.Alive())
	}
}

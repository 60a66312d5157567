package proc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// startAnswering starts this test binary in a role that answers each line with a
// line. request sends one and returns the answer.
func startAnswering(t *testing.T, role string, args ...string) (p *Process, request func() string) {
	t.Helper()
	stdin, feed := pipe(t)
	r, stdout := pipe(t)
	c := playing(role, args...)
	c.Stdin, c.Stdout = stdin, stdout
	p = start(t, c)
	said := bufio.NewReader(r)
	return p, func() string {
		t.Helper()
		if _, err := fmt.Fprintln(feed, "do"); err != nil {
			t.Fatal(err)
		}
		line, err := said.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return line[:len(line)-1]
	}
}

func TestUsageOfTheDead(t *testing.T) {
	nettest.CheckLeaks(t)
	const n, each = 5, 30 * time.Millisecond
	p, request := startAnswering(t, "forker", each.String())
	for _, u := range []struct {
		name  string
		usage func() (Usage, error)
	}{
		{"Process.Usage", p.Usage},
		{"Tree", func() (Usage, error) { return Tree(p.PID()) }},
	} {
		t.Run(u.name, func(t *testing.T) {
			before, err := u.usage()
			if err != nil {
				t.Fatal(err)
			}
			var burnt time.Duration
			for range n {
				d, err := time.ParseDuration(request())
				if err != nil {
					t.Fatal(err)
				}
				burnt += d
			}
			after, err := u.usage()
			if err != nil {
				t.Fatal(err)
			}
			used := after.Sub(before)
			// The forker itself uses some time too, so the upper bound is not close.
			if got := used.CPU(); got < burnt-2*tick || got > 3*burnt {
				t.Errorf("got %v, want at least the %v that the children used", got, burnt)
			}
			if used.Have.Has(HaveSwitches) {
				t.Errorf("got %d switches, want them unknown: those of the children are lost", used.Switches)
			}
		})
	}
}

func TestUsageNeverFalls(t *testing.T) {
	nettest.CheckLeaks(t)
	p, request := startAnswering(t, "forker", "3ms")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			request()
		}
	}()
	var last Usage
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		u, err := p.Usage()
		if err != nil {
			t.Fatal(err)
		}
		if u.CPU() < last.CPU() {
			t.Errorf("got %v after %v, want never less", u.CPU(), last.CPU())
		}
		last = u
	}
	if last.CPU() < 20*3*time.Millisecond-2*tick {
		t.Errorf("got %v, want at least the time of 20 children", last.CPU())
	}
}

func TestUsageOfTheLiving(t *testing.T) {
	nettest.CheckLeaks(t)
	p, request := startAnswering(t, "caller")
	request()
	before, err := p.Usage()
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		request()
	}
	after, err := p.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if !after.Have.Has(HaveSwitches | HaveRSS | HavePSS) {
		t.Errorf("have %b, want switches, RSS and PSS", after.Have)
	}
	if after.Processes != 1 || after.Threads < 2 {
		t.Errorf("got %d processes and %d threads, want 1 and a few", after.Processes, after.Threads)
	}
	if after.PSS < 100<<10 || after.RSS < after.PSS || after.RSS > 1<<30 {
		t.Errorf("got PSS %d and RSS %d, want some MB, RSS the larger", after.PSS, after.RSS)
	}
	used := after.Sub(before)
	// It is far below a tick, so it must come from the clock.
	if used.CPU() <= 0 || used.CPU()%tick == 0 {
		t.Errorf("got %v, want more, and not in ticks", used.CPU())
	}
	// The process waits for each line.
	if used.Have.Has(HaveSwitches) && used.Switches < 50 {
		t.Errorf("got %d switches, want about one for each of 100 lines", used.Switches)
	}
	if used.Elapsed <= 0 {
		t.Errorf("elapsed %v, want more than nothing", used.Elapsed)
	}
}

func TestTreeOfNoProcess(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if u, err := Tree(cmd.Process.Pid); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %+v, %v, want %v", u, err, os.ErrNotExist)
	}
}

func TestSyscallsAreCounted(t *testing.T) {
	nettest.NeedsProgram(t, "strace", "strace")
	nettest.CheckLeaks(t)
	p, request := startAnswering(t, "caller")
	n, err := Syscalls(t.Context(), p.PID(), func() { request() })
	if err != nil {
		t.Fatal(err)
	}
	if n < 1000 || n >= 2000 { // twice as many would be calls that are counted twice
		t.Errorf("got %d calls, want 1000 and those of a Go program", n)
	}
	request() // strace has detached
	if n, err := Syscalls(t.Context(), p.PID(), func() {}); n > 100 || err != nil {
		t.Errorf("doing nothing: got %d calls, %v, want hardly any", n, err)
	}
}

func TestSyscallsSayWhyTheyAreNotCounted(t *testing.T) {
	nettest.CheckLeaks(t)
	never := func() { t.Error("during was called, though strace is not attached") }
	t.Run("no strace", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if n, err := Syscalls(t.Context(), os.Getpid(), never); !errors.Is(err, exec.ErrNotFound) {
			t.Errorf("got %d, %v, want %v", n, err, exec.ErrNotFound)
		}
	})
	nettest.NeedsProgram(t, "strace", "strace")
	p, _ := startAnswering(t, "caller")
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if n, err := Syscalls(ctx, p.PID(), never); !errors.Is(err, context.Canceled) {
			t.Errorf("got %d, %v, want %v", n, err, context.Canceled)
		}
	})
	t.Run("traced by another", func(t *testing.T) {
		_, err := Syscalls(t.Context(), p.PID(), func() {
			if n, err := Syscalls(t.Context(), p.PID(), never); err == nil {
				t.Errorf("got %d, want an error", n)
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
}

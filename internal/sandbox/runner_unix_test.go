//go:build unix

package sandbox

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// script returns the path of a shell script.
func script(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+content), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

// startRunner starts a Runner with a long timeout, unless p has one.
func startRunner(t *testing.T, p Program, log func(string)) *Runner {
	t.Helper()
	if p.Timeout == 0 {
		p.Timeout = time.Minute
	}
	if p.AtOnce == 0 {
		p.AtOnce = 2
	}
	if log == nil {
		log = func(string) {}
	}
	r, err := StartRunner(p, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestARunGetsItsInputAndReturnsItsOutput(t *testing.T) {
	r := startRunner(t, Program{Path: script(t, `read -r line; echo "$1|$line"; cat`), Args: []string{"two words"}}, nil)
	for _, input := range []string{"one\n", "a 'b' $c `d`\nmore", "\n"} {
		if got, err := r.Run(t.Context(), []byte(input)); err != nil || string(got) != "two words|"+input {
			t.Errorf("input %q: got %q, %v", input, got, err)
		}
	}
}

func TestARunHasACleanEnvironmentAndAGroupOfItsOwn(t *testing.T) {
	t.Setenv("SLUICE_USER_alice", "secret")
	r := startRunner(t, Program{Path: script(t, `env; pwd; ls -l /proc/self/fd; ps -o pid=,pgid= -p $$`)}, nil)
	got, err := r.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	text := string(got)
	if strings.Contains(text, "secret") || !strings.Contains(text, programPath+"\n") || strings.Contains(text, "socket:") {
		t.Errorf("the program sees\n%s", text)
	}
	var pid, group int
	fields := strings.Fields(text)
	if _, err := fmt.Sscan(strings.Join(fields[len(fields)-2:], " "), &pid, &group); err != nil || pid != group {
		t.Errorf("process %d is in the group %d, %v", pid, group, err)
	}
}

func TestFailuresOfARun(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		timeout      time.Duration
		want         string
	}{
		{"it hangs", "sleep 1000 & wait", 50 * time.Millisecond, "killed because it had not ended after 50ms"},
		{"it hangs and ignores signals", "trap '' TERM INT HUP; while :; do sleep 1000; done", 50 * time.Millisecond, "killed because"},
		{"it dies", "kill -SEGV $$", 0, "it has ended with signal: segmentation fault"},
		{"it fails", "echo '{}'; exit 3", 0, "it has ended with exit status 3"},
		{"it writes without end", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", 0, "more than 16384 bytes"},
		{"it writes one huge line", "head -c 100000 /dev/zero", 0, "more than 16384 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := startRunner(t, Program{Path: script(t, tt.script), Timeout: tt.timeout}, nil)
			for range 2 {
				if got, err := r.Run(t.Context(), []byte("secret\n")); !errors.As(err, new(RunError)) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %q, %v, want an error with %q", got, err, tt.want)
				}
			}
		})
	}
	t.Run("it is gone", func(t *testing.T) {
		name := script(t, "cat")
		r := startRunner(t, Program{Path: name}, nil)
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "no such file") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the input is too large", func(t *testing.T) {
		r := startRunner(t, Program{Path: script(t, "cat")}, nil)
		if _, err := r.Run(t.Context(), make([]byte, MaxInput+1)); err == nil {
			t.Error("it was accepted")
		}
		if got, err := r.Run(t.Context(), bytes.Repeat([]byte{'x'}, MaxInput)); err != nil || len(got) != MaxOutput {
			t.Errorf("the largest: got %d bytes, %v", len(got), err)
		}
	})
}

func TestAProgramThatReadsNothingGetsNoSignal(t *testing.T) {
	r := startRunner(t, Program{Path: script(t, "exec <&-; echo done")}, nil)
	if got, err := r.Run(t.Context(), make([]byte, MaxInput)); err != nil || string(got) != "done\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestMessagesOfARunAreLoggedAndBounded(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	r := startRunner(t, Program{Path: script(t, `i=0; while [ $i -lt 500 ]; do echo "line $i" >&2; i=$((i+1)); done; head -c 100000 /dev/zero >&2; echo ok`)}, func(line string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, line)
	})
	if got, err := r.Run(t.Context(), nil); err != nil || string(got) != "ok\n" {
		t.Errorf("got %q, %v", got, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(lines) != maxLogLines || lines[0] != "line 0" || lines[maxLogLines-1] != fmt.Sprint("line ", maxLogLines-1) {
		t.Errorf("got %d lines: %q", len(lines), lines)
	}
}

func TestRunsAtOneTimeAreBounded(t *testing.T) {
	dir := t.TempDir()
	const atOnce = 3
	r := startRunner(t, Program{Path: script(t, `d=`+dir+`/$$; mkdir $d; ls `+dir+` | wc -l; sleep 0.05; rmdir $d`), AtOnce: atOnce}, nil)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			got, err := r.Run(t.Context(), nil)
			var n int
			if _, scanErr := fmt.Sscan(string(got), &n); err != nil || scanErr != nil || n < 1 || n > atOnce {
				t.Errorf("got %q, %v, want at most %d at once", got, err, atOnce)
			}
		})
	}
	all.Wait()
}

func TestWaitingForARunIsBounded(t *testing.T) {
	r := startRunner(t, Program{Path: script(t, "sleep 1000"), AtOnce: 1, Timeout: 100 * time.Millisecond}, nil)
	r.slots <- struct{}{}
	if _, err := r.Run(t.Context(), nil); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want %v", err, ErrBusy)
	}
	<-r.slots
}

func TestAClientThatLeavesKeepsNoRunFromEnding(t *testing.T) {
	open := fifo(t)
	r := startRunner(t, Program{Path: script(t, "read -r x; [ \"$x\" = wait ] && cat "+open+"; echo \"$x\""), AtOnce: 1}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { _, err := r.Run(ctx, []byte("wait\n")); done <- err }()
	f, err := os.OpenFile(open, os.O_WRONLY, 0) // when the program reads it
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	_ = f.Close()
	if got, err := r.Run(t.Context(), []byte("next\n")); err != nil || string(got) != "next\n" {
		t.Errorf("the next run: got %q, %v", got, err)
	}
}

// fifo makes a FIFO.
func fifo(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fifo")
	if out, err := exec.Command("mkfifo", name).CombinedOutput(); err != nil { // package syscall lacks it on some systems
		t.Skipf("mkfifo: %v: %s", err, out)
	}
	return name
}

func TestNothingOfARunIsLeft(t *testing.T) {
	open := fifo(t)
	r := startRunner(t, Program{Path: script(t, "sleep 1000 >"+open+" 2>&1 & echo ok")}, nil)
	read := make(chan error)
	go func() { _, err := os.ReadFile(open); read <- err }()
	if got, err := r.Run(t.Context(), nil); err != nil || string(got) != "ok\n" {
		t.Fatalf("got %q, %v", got, err)
	}
	if err := <-read; err != nil { // at the end of the process in the background
		t.Error(err)
	}
}

func TestRunsEndWithTheServer(t *testing.T) {
	open := fifo(t)
	r := startRunner(t, Program{Path: script(t, "exec 3>"+open+"; sleep 1000 & echo started >&3; wait")}, nil)
	done := make(chan error)
	go func() { _, err := r.Run(t.Context(), nil); done <- err }()
	f, err := os.Open(open)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Read(make([]byte, len("started\n"))); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil { // as the end of the server does; waits for the helper
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("the run has succeeded")
	}
	if n, err := f.Read(make([]byte, 1)); n != 0 || err == nil { // at the end of both processes
		t.Errorf("read %d bytes, %v", n, err)
	}
	if _, err := r.Run(t.Context(), nil); !errors.Is(err, errRunnerEnded) {
		t.Errorf("afterwards: got %v, want %v", err, errRunnerEnded)
	}
}

func TestAProgramThatItsUserMayNotRunIsFoundAtTheStart(t *testing.T) {
	p := Program{Path: script(t, "cat"), AtOnce: 1, Timeout: time.Minute}
	if os.Geteuid() == 0 { // only root may enter the directory of the test
		p.User = &User{Name: "nobody", UID: overflow, GID: overflow}
		if err := os.Chmod(filepath.Dir(p.Path), 0o700); err != nil {
			t.Fatal(err)
		}
	} else if err := os.Chmod(p.Path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := StartRunner(p, nil); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v, want %v", err, fs.ErrPermission)
	}
}

// An attacker who controls the server can send anything to the helper.
func TestTheRunnerEndsAfterABadFrame(t *testing.T) {
	r := startRunner(t, Program{Path: script(t, "echo ran")}, nil)
	frame := binary.BigEndian.AppendUint32(nil, 1)
	if _, err := r.helper.conn.Write(binary.BigEndian.AppendUint32(frame, MaxInput+1)); err != nil {
		t.Fatal(err)
	}
	<-r.ended
	if _, err := r.Run(t.Context(), nil); !errors.Is(err, errRunnerEnded) {
		t.Errorf("got %v, want %v", err, errRunnerEnded)
	}
}

package nettest_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// A recorder is a testing.TB that records errors, and whose cleanups run on end.
type recorder struct {
	testing.TB // for all other methods
	errors     []string
	cleanups   []func()
}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Failed() bool     { return len(r.errors) > 0 }
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) end() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}

// leaks returns the errors of the leak check for body. patience is how long the check waits.
func leaks(t *testing.T, patience time.Duration, body func(t testing.TB)) string {
	t.Helper()
	r := &recorder{TB: t}
	nettest.CheckLeaksFor(r, patience)
	body(r)
	r.end()
	return strings.Join(r.errors, "\n")
}

func waitFor(c <-chan struct{}) { <-c }

func TestCheckLeaksFindsGoroutines(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	said := leaks(t, 0, func(testing.TB) { go waitFor(stop) })
	const creator = "created by sluice/internal/nettest_test.TestCheckLeaksFindsGoroutines"
	if strings.Count(said, "created by") != 1 || !strings.Contains(said, creator) || strings.Contains(said, "file descriptor") {
		t.Errorf("the check said %q, want one stack with %q", said, creator)
	}
}

func TestCheckLeaksFindsFiles(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no list of open files on", runtime.GOOS)
	}
	name := filepath.Join(t.TempDir(), "forgotten")
	var f *os.File
	said := leaks(t, 0, func(testing.TB) {
		var err error
		if f, err = os.Create(name); err != nil {
			t.Fatal(err)
		}
	})
	_ = f.Close() // keeps f from the garbage collector until here
	if !strings.Contains(said, name) || strings.Contains(said, "goroutine") {
		t.Errorf("the check said %q, want only %s", said, name)
	}
}

func TestCheckLeaksFindsUnreachableFiles(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no list of open files on", runtime.GOOS)
	}
	defer runtime.GC() // closes the file
	name := filepath.Join(t.TempDir(), "forgotten")
	said := leaks(t, time.Second, func(testing.TB) {
		if _, err := os.Create(name); err != nil {
			t.Fatal(err)
		}
	})
	if !strings.Contains(said, name) {
		t.Errorf("the check said %q, want %s", said, name)
	}
}

func TestCheckLeaksFindsSockets(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no list of open files on", runtime.GOOS)
	}
	// The outer test closes the pair, after the check.
	said := leaks(t, 0, func(testing.TB) { nettest.Pair(t) })
	if n := strings.Count(said, ": socket:["); n != 2 {
		t.Errorf("the check said %q, want 2 sockets", said)
	}
}

func TestCheckLeaksFindsPipesInUse(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no list of open files on", runtime.GOOS)
	}
	var r, w *os.File
	said := leaks(t, 50*time.Millisecond, func(testing.TB) {
		var err error
		if r, w, err = os.Pipe(); err != nil {
			t.Fatal(err)
		}
	})
	_ = r.Close()
	_ = w.Close()
	if n := strings.Count(said, ": pipe:["); n != 2 {
		t.Errorf("the check said %q, want 2 ends of a pipe", said)
	}
}

func TestCheckLeaksReportsNothing(t *testing.T) {
	const patience = 5 * time.Second
	old := make(chan struct{})
	defer close(old)
	go waitFor(old)

	for _, tt := range []struct {
		name string
		body func(t testing.TB)
	}{
		{"when nothing happened", func(testing.TB) {}},
		{"when cleanups close what was opened", func(t testing.TB) {
			server, _ := nettest.Pair(t)
			nettest.PatternFile(t, 100)
			nettest.Sum(t, server)
		}},
		{"when a goroutine is about to end", func(t testing.TB) {
			stop := make(chan struct{})
			go waitFor(stop)
			time.AfterFunc(50*time.Millisecond, func() { close(stop) })
		}},
		{"when a subtest made the pair", func(testing.TB) {
			t.Run("sub", func(t *testing.T) { nettest.Pair(t) })
		}},
		{"when package net pools a pipe", func(t testing.TB) {
			in, feed := nettest.Pair(t)
			out, sink := nettest.Pair(t)
			got := nettest.Sum(t, sink)
			go func() { _, _ = io.Copy(feed, nettest.Pattern(1000)); _ = feed.Close() }()
			if _, err := io.Copy(out, in); err != nil { // uses splice on Linux
				t.Error(err)
			}
			_ = out.Close()
			<-got
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if said := leaks(t, patience, tt.body); said != "" {
				t.Errorf("the check said %s", said)
			}
		})
	}
}

func TestCheckLeaksIgnoresFailedTests(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	said := leaks(t, 0, func(t testing.TB) {
		go waitFor(stop)
		t.Errorf("first")
	})
	if said != "first" {
		t.Errorf("the check added an error: %q", said)
	}
}

func TestParseStacks(t *testing.T) {
	const dump = `goroutine 9 [running]:
sluice/x.asks()
	/x.go:1 +0x1
created by sluice/x.Serve in goroutine 1
	/x.go:2 +0x1

goroutine 1 [chan receive]:
testing.(*T).Run()
	/t.go:1 +0x1
main.main()
	/m.go:1 +0x1

goroutine 18 [select, 2 minutes, locked to thread]:
sluice/x.leaks()
	/x.go:3 +0x1
created by sluice/x.Serve in goroutine 9
	/x.go:4 +0x1

goroutine 20 [syscall]:
os/signal.signal_recv()
	/s.go:1 +0x1
created by os/signal.Notify.func1.1 in goroutine 9
	/s.go:2 +0x1

goroutine 21 [chan receive]:
sluice/x.TestOther()
	/x.go:5 +0x1
created by testing.(*T).Run in goroutine 1
	/t.go:2 +0x1

goroutine 22 [finalizer wait]:
runtime.gopark()
	/r.go:1 +0x1
created by runtime.createfing in goroutine 1
	/r.go:2 +0x1
`
	got := nettest.ParseStacks([]byte(dump))
	if len(got) != 1 || !strings.HasPrefix(got["goroutine 18"], "goroutine 18 [select, 2 minutes") {
		t.Errorf("ParseStacks = %q, want goroutine 18 alone", got)
	}
}

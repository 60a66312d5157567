package nettest

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// CheckLeaks is called at the beginning of a test. It fails the test when at
// its end goroutines are left that were not there before or, on Linux, open
// file descriptors. What is just going away gets five seconds. A test that
// has failed already is not checked.
//
// It sees the whole process: it is neither for parallel tests nor for tests
// that have parallel ones beside them. Call it before what is to be cleaned up
// is made, because cleanups run last in, first out.
//
// Files that the garbage collector closes before the test ends go unseen, and
// so do pipes that it closes after, because splice keeps pipes in pools.
func CheckLeaks(t testing.TB) {
	t.Helper()
	checkLeaks(t, 5*time.Second)
}

func checkLeaks(t testing.TB, patience time.Duration) {
	t.Helper()
	startPoller(t)
	before := takeCensus()
	t.Cleanup(func() {
		t.Helper()
		if t.Failed() {
			return
		}
		defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection would close forgotten files
		left := leftSince(before)
		for end := time.Now().Add(patience); !left.empty() && time.Now().Before(end); {
			if left.onlyPipes() {
				runtime.GC() // the second one empties the pools, that of package net too
			}
			time.Sleep(10 * time.Millisecond)
			left = leftSince(before)
		}
		if !left.empty() {
			t.Errorf("left behind:\n%s", left)
		}
	})
}

// startPoller makes the runtime open the descriptors of its network poller,
// which it does once, at the first use, and for good.
func startPoller(t testing.TB) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	_ = w.Close()
}

// A census is what the process has at one moment.
type census struct {
	goroutines map[string]string // stack, by the name that the dump gives, as "goroutine 7"
	files      map[string]string // target, by number, as "socket:[4711]"; nil where nobody can tell
}

func takeCensus() census {
	return census{goroutines: parseStacks(allStacks()), files: openFiles()}
}

// leftSince returns what is there now and was not before.
func leftSince(before census) census {
	now := takeCensus()
	maps.DeleteFunc(now.goroutines, func(name, _ string) bool {
		_, ok := before.goroutines[name]
		return ok
	})
	maps.DeleteFunc(now.files, func(number, target string) bool {
		return before.files[number] == target
	})
	return now
}

func (c census) empty() bool { return len(c.goroutines) == 0 && len(c.files) == 0 }

func (c census) onlyPipes() bool {
	for _, target := range c.files {
		if !strings.HasPrefix(target, "pipe:") {
			return false
		}
	}
	return len(c.goroutines) == 0 && len(c.files) > 0
}

// String lists the descriptors and then the stacks.
func (c census) String() string {
	var b strings.Builder
	for _, number := range slices.Sorted(maps.Keys(c.files)) {
		fmt.Fprintf(&b, "file descriptor %s: %s\n", number, c.files[number])
	}
	for _, name := range slices.Sorted(maps.Keys(c.goroutines)) {
		fmt.Fprintf(&b, "\n%s\n", c.goroutines[name])
	}
	return b.String()
}

// allStacks returns the stacks of all goroutines, the caller's first.
func allStacks() []byte {
	for size := 64 << 10; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size {
			return buf[:n]
		}
	}
}

// parseStacks splits the output of runtime.Stack into goroutines. It leaves
// out the first, which asked, and those of the runtime, of package testing
// and of os/signal, which no test can end.
func parseStacks(dump []byte) map[string]string {
	stacks := make(map[string]string)
	for i, stack := range bytes.Split(dump, []byte("\n\n")) {
		name, _, _ := bytes.Cut(stack, []byte(" ["))
		if i > 0 && !theirs(string(stack)) {
			stacks[string(name)] = string(bytes.TrimSpace(stack))
		}
	}
	return stacks
}

// theirs reports whether a goroutine was started by the runtime, by package
// testing or by os/signal. One that nobody started is the main goroutine.
func theirs(stack string) bool {
	_, creator, ok := strings.Cut(stack, "\ncreated by ")
	return !ok ||
		strings.HasPrefix(creator, "runtime.") ||
		strings.HasPrefix(creator, "testing.") ||
		strings.HasPrefix(creator, "os/signal.")
}

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

// CheckLeaks fails the test if it leaves new goroutines or, on Linux, open file
// descriptors. It waits five seconds for them to end. It does not check a test that
// has failed already.
//
// Call it at the beginning of the test, before other cleanups are registered, because
// cleanups run last in, first out. It looks at the whole process, so it must not be
// used while parallel tests run.
//
// It does not find files that the garbage collector closes before the test ends, nor
// pipes that it closes later, because splice keeps pipes in pools.
func CheckLeaks(t testing.TB) {
	t.Helper()
	checkLeaks(t, 5*time.Second)
}

func checkLeaks(t testing.TB, patience time.Duration) {
	t.Helper()
	startPoller(t)
	before := currentResources()
	t.Cleanup(func() {
		t.Helper()
		if t.Failed() {
			return
		}
		defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection would close leaked files
		leaked := leakedSince(before)
		for end := time.Now().Add(patience); !leaked.empty() && time.Now().Before(end); {
			if leaked.onlyPipes() {
				runtime.GC() // the second one empties all sync.Pools, such as that of package net
			}
			time.Sleep(10 * time.Millisecond)
			leaked = leakedSince(before)
		}
		if !leaked.empty() {
			t.Errorf("left behind:\n%s", leaked)
		}
	})
}

// startPoller makes the runtime open the descriptors of its network poller, which
// it opens at the first use and never closes.
func startPoller(t testing.TB) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	_ = w.Close()
}

// resources are the goroutines and descriptors of the process at one moment.
type resources struct {
	goroutines map[string]string // stacks by name, such as "goroutine 7"
	files      map[string]string // targets by number, such as "socket:[4711]"; nil if not known
}

func currentResources() resources {
	return resources{goroutines: parseStacks(allStacks()), files: openFiles()}
}

// leakedSince returns the present resources that are not in before.
func leakedSince(before resources) resources {
	now := currentResources()
	maps.DeleteFunc(now.goroutines, func(name, _ string) bool {
		_, ok := before.goroutines[name]
		return ok
	})
	maps.DeleteFunc(now.files, func(number, target string) bool {
		return before.files[number] == target
	})
	return now
}

func (r resources) empty() bool { return len(r.goroutines) == 0 && len(r.files) == 0 }

func (r resources) onlyPipes() bool {
	for _, target := range r.files {
		if !strings.HasPrefix(target, "pipe:") {
			return false
		}
	}
	return len(r.goroutines) == 0 && len(r.files) > 0
}

// String lists the descriptors and then the stacks.
func (r resources) String() string {
	var b strings.Builder
	for _, number := range slices.Sorted(maps.Keys(r.files)) {
		fmt.Fprintf(&b, "file descriptor %s: %s\n", number, r.files[number])
	}
	for _, name := range slices.Sorted(maps.Keys(r.goroutines)) {
		fmt.Fprintf(&b, "\n%s\n", r.goroutines[name])
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

// parseStacks splits the output of runtime.Stack into goroutines. It leaves out the
// first, which is the caller, and those for which isForeign returns true, because
// tests cannot end them.
func parseStacks(dump []byte) map[string]string {
	stacks := make(map[string]string)
	for i, stack := range bytes.Split(dump, []byte("\n\n")) {
		name, _, _ := bytes.Cut(stack, []byte(" ["))
		if i > 0 && !isForeign(string(stack)) {
			stacks[string(name)] = string(bytes.TrimSpace(stack))
		}
	}
	return stacks
}

// isForeign reports whether a goroutine is the main goroutine, which has no creator,
// or was started by the runtime, by package testing or by os/signal.
func isForeign(stack string) bool {
	_, creator, ok := strings.Cut(stack, "\ncreated by ")
	return !ok ||
		strings.HasPrefix(creator, "runtime.") ||
		strings.HasPrefix(creator, "testing.") ||
		strings.HasPrefix(creator, "os/signal.")
}

//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// memoryGroup is a cgroup with a memory limit, of version 2 if the memory controller is
// there, else of version 1.
type memoryGroup struct {
	dir     string
	unified bool
}

// newMemoryGroup makes the cgroup. The end of the test removes it.
func newMemoryGroup(t *testing.T, limit int64) memoryGroup {
	t.Helper()
	needsRoot(t)
	const root = "/sys/fs/cgroup"
	g := memoryGroup{dir: root + "/memory/sluice-e2e-" + strconv.Itoa(os.Getpid())}
	limitName := "memory.limit_in_bytes"
	if controllers, err := os.ReadFile(root + "/cgroup.controllers"); err == nil && strings.Contains(string(controllers), "memory") {
		g = memoryGroup{root + "/sluice-e2e-" + strconv.Itoa(os.Getpid()), true}
		limitName = "memory.max"
		if err := os.WriteFile(root+"/cgroup.subtree_control", []byte("+memory"), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the program has ended
		if err := os.Remove(g.dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(g.dir, limitName), fmt.Append(nil, limit), 0); err != nil {
		t.Fatal(err)
	}
	return g
}

// wrapper returns the command that starts a program in the cgroup, see startUnder.
func (g memoryGroup) wrapper() []string {
	return []string{"sh", "-c", `echo $$ > "$0"/cgroup.procs && exec "$@"`, g.dir}
}

// peak returns the most memory that the cgroup has used, including caches.
func (g memoryGroup) peak(t *testing.T) int64 {
	t.Helper()
	name := "memory.max_usage_in_bytes"
	if g.unified {
		name = "memory.peak" // Linux 5.19
	}
	b, err := os.ReadFile(filepath.Join(g.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// peakRSS returns the largest resident memory of the server in bytes.
func (s *server) peakRSS() int64 {
	s.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	var kilobytes int64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		s.t.Fatal(err)
	}
	return kilobytes << 10
}

package daemon

import (
	"os"
	"runtime/debug"

	"sluice/metrics"
)

// limitMemory makes the garbage collector work harder before the process reaches the
// memory limit of its cgroup, where the kernel would kill it. The variable of the
// environment is a decision of the operator and stays.
func limitMemory() {
	if _, set := os.LookupEnv("GOMEMLIMIT"); set {
		return
	}
	if m, err := (metrics.Host{}).Memory(); err == nil && m.Have&metrics.HostLimit != 0 {
		debug.SetMemoryLimit(heapLimit(m.Limit))
	}
}

// heapLimit returns how much of a cgroup's limit Go's runtime may use. The rest is for the
// kernel: buffers of sockets, and pages of files that are being read.
func heapLimit(limit uint64) int64 { return int64(limit / 5 * 4) }

package metrics

import "fmt"

// HostMemory is the memory of the host and the limit of its cgroups, in bytes.
type HostMemory struct {
	Total     uint64
	Available uint64 // memory that programs can still get without swapping, as free(1) reports it
	Used      uint64 // Total minus Available
	Free      uint64 // memory used for nothing, not even caches
	Buffers   uint64 // cached blocks of file systems
	Cached    uint64 // cached content of files, and shared memory
	Shared    uint64 // part of Cached: tmpfs and shared memory
	Slab      uint64 // memory of the kernel
	Dirty     uint64 // part of Cached: waits to be written to disk

	// Limit is the lowest memory limit of the cgroups of this process. Processes
	// of a cgroup that exceeds it are killed. LimitUsed is the memory of all
	// processes in that cgroup, including caches.
	Limit, LimitUsed uint64

	Have HostMemoryFields
}

// HostMemoryFields is a set of fields of a HostMemory. Total, Available, Used and
// Free are always known.
type HostMemoryFields uint8

// The fields of a HostMemory. HostLimit is set only if there is a limit.
const (
	HostBuffers HostMemoryFields = 1 << iota
	HostCached
	HostShared
	HostSlab
	HostDirty
	HostLimit
)

// Has reports whether all of g are in f.
func (f HostMemoryFields) Has(g HostMemoryFields) bool { return f&g == g }

// Memory returns the memory of the host.
func (h Host) Memory() (HostMemory, error) {
	m, err := h.memory()
	if err != nil {
		return HostMemory{}, fmt.Errorf("metrics: memory: %w", err)
	}
	return m, nil
}

// HostSwap is the swap space of the host, in bytes.
type HostSwap struct {
	Total, Used, Free uint64
	In, Out           uint64 // read from and written to swap since boot
	HaveMoved         bool   // In and Out are known
}

// Swap returns the swap space of the host. On a host without swap, all sizes are 0.
func (h Host) Swap() (HostSwap, error) {
	s, err := h.swap()
	if err != nil {
		return HostSwap{}, fmt.Errorf("metrics: swap: %w", err)
	}
	return s, nil
}

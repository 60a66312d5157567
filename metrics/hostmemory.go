package metrics

import "fmt"

// HostMemory is the memory of the host, in bytes, and what a cgroup lets this
// process have of it.
type HostMemory struct {
	Total     uint64
	Available uint64 // what programs can still get without swapping, as free(1) has it
	Used      uint64 // Total less Available
	Free      uint64 // used for nothing at all; a healthy host has little
	Buffers   uint64 // blocks of file systems
	Cached    uint64 // content of files, and shared memory
	Shared    uint64 // of Cached: tmpfs and shared memory
	Slab      uint64 // of the kernel
	Dirty     uint64 // of Cached: waits to be written

	// Limit is what the processes of a container may have together, the least
	// of all cgroups above this process; one that passes it is killed.
	// LimitUsed is what they have, caches included.
	Limit, LimitUsed uint64

	Have HostMemoryFields
}

// HostMemoryFields is a set of fields of a HostMemory. The first four are
// always told.
type HostMemoryFields uint8

// The fields of a HostMemory. HostLimit is there only if there is a limit.
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

// Memory reads the memory of the host.
func (h Host) Memory() (HostMemory, error) {
	m, err := h.memory()
	if err != nil {
		return HostMemory{}, fmt.Errorf("metrics: memory: %w", err)
	}
	return m, nil
}

// HostSwap is memory on a disk, in bytes.
type HostSwap struct {
	Total, Used, Free uint64
	In, Out           uint64 // moved from and to the disk since boot
	HaveMoved         bool   // In and Out are told
}

// Swap reads the swap of the host. Without any, all is 0.
func (h Host) Swap() (HostSwap, error) {
	s, err := h.swap()
	if err != nil {
		return HostSwap{}, fmt.Errorf("metrics: swap: %w", err)
	}
	return s, nil
}

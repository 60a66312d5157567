package metrics

import (
	"math/bits"
	"strings"
	"sync"
)

// Fields is a set of groups of values of a Snapshot: to ask for, and to say
// what was found.
type Fields uint32

// The groups. Those of Basic cost a few microseconds together.
const (
	FieldName Fields = 1 << iota
	FieldState
	FieldParent
	FieldStarted
	FieldThreads
	FieldCPU
	FieldMemory
	FieldIO
	FieldFDs
	FieldFaults

	// FieldSwitches comes along with FieldCPU for this process. For another it
	// costs some microseconds for each of its threads, which Linux counts one
	// by one, and is not in Basic.
	FieldSwitches

	FieldOwner
	FieldIdentity

	// FieldFootprint makes the kernel walk all pages of a process: up to
	// milliseconds, during which the process cannot map memory.
	FieldFootprint

	Basic = FieldSwitches - 1
	All   = FieldFootprint<<1 - 1
)

var fieldNames = [...]string{
	"name", "state", "parent", "started", "threads", "cpu", "memory", "io", "fds", "faults",
	"switches", "owner", "identity", "footprint",
}

// Has reports whether all of g are in f.
func (f Fields) Has(g Fields) bool { return f&g == g }

// String lists the groups, as "cpu,memory".
func (f Fields) String() string {
	var names []string
	for f &= All; f != 0; f &= f - 1 {
		names = append(names, fieldNames[bits.TrailingZeros32(uint32(f))])
	}
	return strings.Join(names, ",")
}

// Supported returns the groups that this system tells a process of itself. Of
// others it may tell fewer. The first call tries them all.
func Supported() Fields { return supported() }

var supported = sync.OnceValue(func() Fields {
	p := Self()
	defer p.Close()
	var s Snapshot
	_ = p.Read(&s, All) // what it could not tell is missing in Have
	return s.Have
})

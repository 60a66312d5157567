package metrics

import (
	"math/bits"
	"strings"
	"sync"
)

// Fields is a set of groups of values in a Snapshot. Read takes the groups to read
// and sets Snapshot.Have to those that it found.
type Fields uint32

// The groups, each with the name of its field in Snapshot. Reading all of Basic takes
// a few microseconds.
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

	// FieldSwitches is not in Basic, because for another process it costs some
	// microseconds for each thread. For this process it comes with FieldCPU.
	FieldSwitches

	FieldOwner
	FieldIdentity

	// FieldFootprint makes the kernel walk all pages of the process. That can
	// take milliseconds, during which the process cannot map memory.
	FieldFootprint

	// FieldNice is not in Basic, because for this process it costs a system call. For
	// another process it comes with FieldCPU on Linux.
	FieldNice

	Basic = FieldSwitches - 1
	All   = FieldNice<<1 - 1
)

var fieldNames = [...]string{
	"name", "state", "parent", "started", "threads", "cpu", "memory", "io", "fds", "faults",
	"switches", "owner", "identity", "footprint", "nice",
}

// Has reports whether all of g are in f.
func (f Fields) Has(g Fields) bool { return f&g == g }

// String returns the names of the groups, like "cpu,memory".
func (f Fields) String() string {
	var names []string
	for f &= All; f != 0; f &= f - 1 {
		names = append(names, fieldNames[bits.TrailingZeros32(uint32(f))])
	}
	return strings.Join(names, ",")
}

// Supported returns the groups that a process can read of itself on this system.
// Of other processes it may read fewer. The first call tries all groups.
func Supported() Fields { return supported() }

var supported = sync.OnceValue(func() Fields {
	p := Self()
	defer p.Close()
	var s Snapshot
	_ = p.Read(&s, All) // an error leaves Have empty
	return s.Have
})

package vfs

import (
	"sync/atomic"

	"golang.org/x/sys/cpu"
)

// generation counts the changes that this process has made to files. It has a cache line of its own, because every
// request reads it.
var generation struct {
	_ cpu.CacheLinePad
	n atomic.Uint64
	_ cpu.CacheLinePad
}

// Generation returns a number that increases with each change that this process makes to the files of any [Tree].
//
// A cache calls it before it reads the disk, and stores the number with the entry. While Generation returns the same
// number, the entry is valid: this process has changed nothing. After that the cache must check the entry on the disk
// before it uses it. There is one number for all trees, because several trees may show the same directory: two calls
// of [Open], a [Sub], an afero.Fs below both servers.
//
// Changes by other processes are not counted.
func Generation() uint64 { return generation.n.Load() }

// CountChange makes [Generation] return another number. It must be called after a change is visible, and before the
// change is acknowledged to a client.
//
// The methods of a Tree call it themselves, also if they fail. A caller that writes to an open file calls CountChange
// after the last write.
func CountChange() { generation.n.Add(1) }

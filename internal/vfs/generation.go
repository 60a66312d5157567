package vfs

import (
	"sync/atomic"

	"golang.org/x/sys/cpu"
)

// generation counts the changes that this process has made to files. It has a cache line of its own: every request
// reads it, and only changes write it.
var generation struct {
	_ cpu.CacheLinePad
	n atomic.Uint64
	_ cpu.CacheLinePad
}

// Generation returns a number that is another after each change that this process makes to the files of any [Tree].
//
// A cache calls it before it reads the disk, and keeps the number with what it has read. As long as Generation
// returns that number, this process has changed nothing, and the entry may be used; once it returns another, the
// cache must ask the disk again before its next answer. One number stands for all trees, because one directory
// may be seen through several of them: two calls of [Open], a [Sub], an afero.Fs below both servers.
//
// What other processes change is not counted.
func Generation() uint64 { return generation.n.Load() }

// CountChange counts a change. It is called when the change can be seen, and before anybody is told of it.
//
// The methods of a Tree that change something call it themselves, whatever they return. What is written to a file
// that is open they do not see: who writes calls CountChange at the end.
func CountChange() { generation.n.Add(1) }

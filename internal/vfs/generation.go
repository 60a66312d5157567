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
// Whoever remembers what a name means, or what is in a file, reads it before looking at the disk and stores it with
// what it has found. As long as Generation returns the same number that holds, as far as this process is concerned;
// else the disk must be asked again before the next answer. One number stands for all trees, because one directory
// may be seen through several of them: two calls of [Open], a [Sub], an afero.Fs below both servers.
//
// What other processes change is not counted.
func Generation() uint64 { return generation.n.Load() }

// Changed counts a change. It is called when the change can be seen, and before anybody is told of it.
//
// The methods of a Tree that change something call it themselves, whatever they return. What is written to a file
// that is open they do not see: who writes calls Changed at the end.
func Changed() { generation.n.Add(1) }

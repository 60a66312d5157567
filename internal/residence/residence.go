// Package residence says where the bytes of an open file are, and so whether reading them may wait.
//
//	where := residence.Of(f)
//	if where.IsWarm(f, off, n) {
//		// sendfile(2) of these bytes waits for no disk
//	}
//
// # Limitations
//
// Only Linux says where a file is. The answer is that of its file system: a block device that is itself on a network,
// or an overlayfs with a layer that is, counts as a disk.
//
// A range is warm if its first and its last byte are in the page cache. Bytes between them may still be on the disk, so
// ask for short ranges. A warm range may become cold before it is read, and memory may have been swapped out.
//
// # Design
//
// preadv2(2) with RWF_NOWAIT answers for every file that can be read. mincore(2) and cachestat(2) say of a file of
// another user that all of it is cached, or refuse to answer. Overlayfs does not support the flag (Linux 6.18), so its
// files are never warm.
package residence

import "os"

// Residence is where the bytes of a file are.
type Residence uint8

// The residences. Other systems than Linux know none: such files may be anywhere.
const (
	Unknown Residence = iota
	Remote            // a file system of another machine or of a process, or of another kind: each call may take forever
	Disk              // a disk of this machine: reading may wait for it; what the kernel knows about an open file does not
	Memory            // no disk at all
)

// Of returns where the bytes of f are. It may wait for a file system that is not local.
func Of(f *os.File) Residence { return of(f) }

// IsLocal reports whether no call for an open file there waits for another machine or process.
func (r Residence) IsLocal() bool { return r >= Disk }

// IsWarm reports whether n bytes of f from off on can be read without waiting, as far as their first and last byte show.
// r is the residence of f. It allocates nothing, and only asks for files on a disk: those in memory are warm, all others
// are not.
func (r Residence) IsWarm(f *os.File, off, n int64) bool {
	return r == Memory || r == Disk && isWarm(f, off, n)
}

func (r Residence) String() string {
	return [...]string{"unknown", "remote", "disk", "memory"}[r]
}

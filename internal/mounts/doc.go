// Package mounts keeps a file system that does not answer from taking more than its part of the process.
//
//	tree := mounts.Beneath("/srv/pub")
//	…
//	mount := tree.At("films/one.mp4") // touches no file system
//	if err := mount.Enter(); err != nil {
//		return err // ErrNotResponding
//	}
//	defer mount.Leave()
//	f, err := os.Open(…) // may hang
//
// A call that waits for a disk keeps a thread of the system. A call to a server of NFS or FUSE that has gone keeps it for
// ever, and a process with 10,000 threads is ended by Go's runtime. So every such call passes Enter and Leave of its
// [Mount], whatever protocol it is for.
//
// # Design
//
// [Limit] calls are within a mount at a time. A further one waits for its turn, as a goroutine without a thread, as long
// as calls return. If none has returned for a second, the mount counts as hung: those that wait are refused, and so is
// each further one, at once, until a call returns. So a slow disk delays its clients, and a hung one refuses them; other
// mounts are not concerned. All mounts together have at most 1024 calls, and 8 of each mount beyond that.
//
// Nothing is measured on the way: Enter and Leave take one lock, and make neither a system call nor an allocation while
// there is room.
//
// A path is on the mount with the longest mount point above it. On Linux the list is /proc/self/mountinfo, which names
// mounts without asking them. It is read again, a second after a change at the latest, when poll(2) says that it has
// changed. Other systems have one mount for each tree.
//
// # Limitations
//
// A path is taken as text, and a link that leads to another mount is found out by the caller, if the kernel has openat2(2)
// (package vfs). Elsewhere, and for links on a mount beneath the directory of the tree, the call takes a place of the mount
// where the link is.
package mounts

// Package vfs serves a directory tree that no client path leaves. Paths from clients reach the disk only through it.
//
//	root, err := vfs.Open("/srv/pub")
//	if err != nil {
//		return err // names the directory: for the operator, not for a client
//	}
//	defer root.Close()
//	f, err := root.File("/docs/readme.txt", os.O_RDONLY, 0)
//	if err != nil {
//		return err // has the client's name for the file, and no path of the host
//	}
//	defer f.Close() // a plain *os.File: ready for sendfile, pread and splice
//
// A [Root] is also an afero.Fs. [Of] makes a [Tree], the interface that the servers use, of any other afero.Fs. The
// sections up to "Limitations" are about Root. The adapter that Of returns cleans names and refuses special files in
// the same way, but its file system decides where links lead.
//
// # Names
//
// A name is a sequence of bytes, separated by slashes, as a client sends it: "/a/b", "a/b" and "//a/./b" are the
// same, and "", "." and "/" are the root. Names are cleaned as text before the disk is accessed: ".." removes the
// element before it, even if that is a link on the disk, and never climbs above the root. A NUL byte is
// [fs.ErrInvalid]. On Unix a name may contain every other byte and need not be UTF-8. Windows refuses backslashes,
// colons, reserved names (NUL, COM1) and invalid UTF-8.
//
// # Symbolic links
//
// Links are followed if they stay beneath the root; all others are [ErrOutside]. An absolute link is refused even
// when it points back into the tree, because the kernel's RESOLVE_BENEATH and [os.Root] both refuse it: links inside
// a tree must be relative. The magic links of /proc are never followed. A chain of too many links is ELOOP: Linux
// opens files and lists directories through up to 40 links; everything else follows 8.
//
// This package creates no link that leads out of the tree: [Root.Symlink] makes none, and [Root.Rename] refuses to
// move a link, or a directory that contains one, so that the link would lead out. Other programs would follow such a
// link, and so would users of a larger tree.
//
// # Files
//
// Only regular files and directories can be opened. FIFOs, sockets and devices are [ErrSpecial]: opening a FIFO would
// block a thread until another process opens its other end, and reading a device can have side effects. No call waits
// for one of them.
//
// # Joined trees
//
// A [Joined] shows several trees as one, each at a directory of its own. It decides by the text of a name which tree has
// the file, and changes nothing else: what is true of a Root is true of its files in a Joined.
//
// # Limitations
//
// Hard links and mounts are part of the tree, wherever they lead. A device is opened before its type is known, so a
// tree in which others may make device nodes belongs on a file system mounted nodev. A file under a lease of another
// program may fail with EAGAIN instead of waiting for that program. Files beneath a directory that may be searched but
// not read can be opened and listed on Linux; all other operations, for which [os.Root] is used, need a readable
// directory.
//
// A name beneath a mount point is known as one of that mount, without asking: see package mounts, and [MountOf]. A link
// to another mount is not.
//
// # Design
//
// The kernel resolves each path at the moment of use: one openat2(2) with RESOLVE_BENEATH, or [os.Root] where that is
// missing. A file is opened with O_NONBLOCK and its type checked by fstat(2). No check precedes the use, so there is
// no race between them.
//
// [Generation] is one number for the whole process, rather than one for each directory: homes, two Roots and wrappers
// show the same directory under different names, and renaming a directory changes every path beneath it.
//
// The adapter for other file systems does not rely on more than afero promises:
//
//   - If an open file is an *os.File, or a wrapper that says so (see [OSFile]), the *os.File is returned. Only such files
//     can be shared by requests and sent by sendfile(2).
//   - Every other open file is a separate handle, and its ReadAt is made of Read and Seek. The ReadAt of afero's files
//     moves the position (MemMapFs), is missing (FromIOFS over a zip: -1, EPERM) or panics beyond the end (zipfs); and
//     file systems of object stores open a stream for each ReadAt. The handles of a tarfs share one position, so there
//     ReadAt is used.
//   - A FileInfo is copied once, because that of MemMapFs changes with the file. Its device and inode are ignored: a
//     file derived from another, such as its decrypted content, often has the FileInfo of the original.
//   - Stat comes before Open, so that a FIFO of the host is never opened. The size is that of the open file.
//   - A call is given up after half a minute, and keeps its place (package mounts) until it returns. A panic becomes an
//     error.
//   - Rename, Remove and Create refuse what package os refuses: MemMapFs removes directories that have files in them,
//     moves a directory into itself, and creates missing parent directories.
package vfs

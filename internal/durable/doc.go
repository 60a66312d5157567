// Package durable brings what was changed in a file system to the disk, as far as a [Level] asks for.
//
//	var disk durable.Syncer // one for all who change the same trees
//
//	policy := durable.Policy{Level: durable.Full}
//	if err := tree.Mkdir("/in", 0o777); err != nil {
//		return err
//	}
//	return disk.Added(policy, tree, "/in") // survives a power cut from here on
//
// A file that was written, and its name, are two things to the disk. fsync(2) of the file brings its content there;
// its name, and that of everything that is made, renamed or removed, is part of the directory, and comes there with an
// fsync of that. Without it the kernel writes names when it likes, about half a minute later, and a power cut takes
// back what a client was told.
//
// Several changes of one directory at a time share an fsync. A directory that cannot be read, as that of a drop box,
// is synced with its whole file system, by syncfs(2) on Linux. A file system that cannot sync a directory (EINVAL,
// ENOTSUP, ENOSYS: some of FUSE, CIFS, and all on Windows) is believed to keep names by itself; [Supported] tells.
//
// What is written to the disk is up to the disk then: one that lies about flushing its cache still loses it.
package durable

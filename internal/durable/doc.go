// Package durable flushes changes of a file system to the disk, as far as a [Level] demands.
//
//	var disk durable.Syncer // one for all goroutines that change the same trees
//
//	policy := durable.Policy{Level: durable.Full}
//	if err := tree.Mkdir("/in", 0o777); err != nil {
//		return err
//	}
//	return disk.SyncAdded(policy, tree, "/in") // survives a power cut from here on
//
// The content of a file and its name reach the disk separately. fsync(2) of the file writes its content. The name, and
// any other name that is made, renamed or removed, belongs to the directory and is written by fsync of the directory.
// Without that the kernel writes names about half a minute later, and a power cut before then reverts a change that
// was acknowledged to a client.
//
// A disk that ignores flushes of its cache may still lose data.
//
// # Design
//
// Directories are synced by fsync, rather than syncfs(2) or sync_file_range(2), because ext4, XFS and btrfs promise that
// it makes names durable. ("make torture" tests it by cutting the power.)
//
// Concurrent changes of one directory share an fsync. A directory that cannot be read, such as a drop box, is synced with
// its whole file system, by syncfs(2) on Linux. Some file systems cannot sync a directory (EINVAL, ENOTSUP, ENOSYS: some
// FUSE file systems, CIFS, and all on Windows): they are assumed to make names durable themselves. [Supported] reports
// whether a directory can be synced.
package durable

// Package filecache keeps the files of a tree open for a while, so that most
// requests for one cost no system call on its name, and small ones none at all.
//
//	cache := &filecache.Cache{Tree: tree}
//	defer cache.Close()
//	f, err := cache.Get("/docs/readme.txt")
//	if err != nil {
//		return err // as the tree's Open
//	}
//	defer f.Release()
//	// f.File is shared: read it at explicit offsets only
//
// # Consistency
//
// A change that this process makes through any [vfs.Tree] is seen by the next Get or
// Hit: an entry is valid as long as [vfs.Generation] has not changed. After a change, one
// fstatat(2) shows whether the name still means the same file, and the entry stays (1 µs;
// a hit in memory takes 0.05). Where that is not possible (trees that are no [vfs.Root],
// systems other than Linux) the name is opened again.
//
// A change by another process is seen after [Cache.Valid] at most. Then the name is
// opened again and compared. So a file that was replaced or removed, or that has become
// unreadable, is noticed within that time, and so is a new one.
//
// [File.Body] was read between two equal results of fstat, and is complete. A file
// without Body is compared by fstat at each Get with [File.Info]. It can change between
// that and its use, as any open file can, so a sender must still check how many bytes
// it has read.
//
// A descriptor that fails (ESTALE of NFS, ENOTCONN of FUSE, or what [File.Fail] reports)
// is not used again: the next Get opens the name.
//
// A file may be changed twice within one tick of the clock that stamps it. So a body
// that was read less than two seconds after the last change is read again, rather than
// compared, when it is no longer valid.
//
// # Design
//
// Only files of the operating system are kept, also those inside the wrappers of an
// afero.Fs: many goroutines can read them at once, and fstat shows whether they have
// changed. Every other file is opened again for each Get.
//
// There is one generation for all trees rather than one for each directory, because
// homes, two Roots and wrappers show the same directory under different names, and
// renaming a directory changes all below it.
//
// Files that were not used for ten seconds are closed, so that a file system can be
// unmounted and the space of a removed file becomes free. The cache uses a quarter of the
// descriptors that the process may have at most.
package filecache

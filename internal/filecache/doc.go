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
// # What can be relied on
//
// What this process changes through a [vfs.Tree], be it another than Cache.Tree,
// is seen by the next Get or Hit: an entry is believed as long as [vfs.Generation]
// stays what it was. When that has moved, one fstatat(2) shows whether the name
// still means the same, and the entry stays; where that cannot be asked (trees
// that are no [vfs.Root], systems other than Linux) the name is opened again.
//
// What others change is seen after [Cache.Valid] at most. Then the name is opened
// again and compared, so a file that was replaced, removed or is no longer allowed
// is noticed within that time, and so is one that has come to be.
//
// What is in [File.Body] was read between two equal answers of fstat and is
// whole. A file without Body is asked at each Get whether it is still what
// [File.Info] says; it can change between that and its use, as any open file
// can, so whoever sends it still has to count.
//
// A file may be changed twice within one tick of the clock that stamps it. So
// a body younger than two seconds when it was read is read again, rather than
// compared, when its time is up.
//
// Only files of the operating system are kept, also those that an afero.Fs hides
// in wrappers: their content can be read by many at once, and fstat tells
// whether they have changed. Any other is opened anew for each Get.
//
// Files that nobody has asked for in ten seconds are closed, so that a file
// system can be unmounted and the space of a removed file comes back.
package filecache

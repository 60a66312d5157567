// Package digest computes checksums of files, and remembers them for as long as the files stay as they are.
//
//	var sums digest.Cache
//	sum, err := sums.Sum(ctx, f, digest.SHA256)
//	if err != nil {
//		return err // ErrChanged, ctx.Err(), or what reading f said
//	}
//	fmt.Printf("%x  %s\n", sum, name)
//
// A checksum belongs to one state of one file: its device, inode, size, and the times when its content and its inode
// last changed, in nanoseconds. No program can set the last of them, so that a file which was changed and given its
// old size and time back is another state all the same.
//
// Where a clock ticks slowly, two changes can have one time: a few milliseconds on ext4, two seconds on FAT. A file
// that changed less than two seconds before it was read may therefore change once more and look the same; the
// checksum of such a file is computed, but not remembered. What this does not see is a change through a memory
// mapping, whose time the kernel may set late, and one on a network file system whose clock is seconds behind ours.
//
// On Windows the file's index and its ChangeTime are the inode and its time. On systems that have neither (Plan 9,
// WebAssembly), and file systems that tell no such time, nothing is remembered.
package digest

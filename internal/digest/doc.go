// Package digest computes checksums of files, and caches them until the files change.
//
//	var sums digest.Cache
//	sum, err := sums.Sum(ctx, f, digest.SHA256)
//	if err != nil {
//		return err // ErrChanged, ctx.Err(), or the error of reading f
//	}
//	fmt.Printf("%x  %s\n", sum, name)
//
// # Design
//
// The key of a cached checksum is a version of a file: device, inode, size, and the times when content and inode last
// changed, in nanoseconds (see package fileid). Programs cannot set the last time, so a changed file whose old size and
// time of modification are restored is still another version.
//
// Two changes may have the same time if the clock of the file system is coarse: a few milliseconds on ext4, two seconds
// on FAT. The checksum of a file that changed less than two seconds before it was read is therefore not cached. Two
// kinds of change go unnoticed: through a memory mapping, whose time the kernel may set late, and on a network file
// system whose clock is seconds behind ours.
//
// Windows has the file index and ChangeTime instead of inode and time of its change. Nothing is cached on systems without
// them (Plan 9, WebAssembly) and on file systems without such a time.
package digest

// Package digest computes checksums of files, and caches them until the files change.
//
//	var sums digest.Cache
//	sum, err := sums.Sum(ctx, party, f, digest.SHA256)
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
// Clients share the time of the processors by turns of 20 ms (package budget): each call takes turns in the name of its
// client, and calls that wait for the same checksum all work on it, so that nobody waits for the turn of a client that
// has used much. A read that takes longer than 100 ms gives its turn to others: a file system that hangs delays only
// those who read it.
//
// On Linux holes are found by lseek(2) and not read, and CRC-32 takes one in a microsecond. That moves the position of
// the file, and moves it back. So a file that is read by its position must not be shared; servers read theirs at offsets.
//
// Windows has the file index and ChangeTime instead of inode and time of its change. Nothing is cached on systems without
// them (Plan 9, WebAssembly) and on file systems without such a time.
package digest

// Package archive lays out zip and tar archives of files before any of them is read, so that a server knows the
// length of the answer, can begin in the middle, and leaves the content of the files to sendfile.
//
//	parts, err := archive.Zip([]archive.Entry{
//		{Name: "docs", Dir: true, Mode: 0o755, Modified: then},
//		{Name: "docs/readme.txt", Size: 42, Mode: 0o644, Modified: then, Open: open, CRC: crc},
//	})
//	if err != nil {
//		return err // a name that cannot be in an archive, or twice the same
//	}
//	for _, part := range parts {
//		switch {
//		case part.Open != nil: // part.Size bytes of the file, from its start
//		default: // part.Bytes makes what goes before, between and behind files
//		}
//	}
//
// Nothing is compressed. An archive is a function of the names, sizes, modes and times of its entries; only the
// checksums of a zip need the content, and they have a fixed size. A file that has not the size and time of its entry
// any more when its turn comes is [ErrChanged]: the archive that was promised cannot be completed.
//
// # Names
//
// Whoever extracts the archive writes where its names say. So names lead nowhere but down: they are made relative and
// without "." and ".." elements. Backslashes, which separate elements on Windows, control characters and the colon of
// a drive ("C:") become underscores. A name of which nothing is left, one that two entries have, and one that is
// longer than 65,000 bytes are refused. There are no links in an archive.
//
// Names need not be UTF-8. A zip marks those that are; the others are bytes that each reader takes as it likes.
package archive

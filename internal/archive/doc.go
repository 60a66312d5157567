// Package archive lays out zip and tar archives before any file is read, so that a server knows the length of the
// response, can begin in the middle, and can send the content of the files by sendfile(2).
//
//	parts, err := archive.Zip([]archive.Entry{
//		{Name: "docs", Dir: true, Mode: 0o755, Modified: then},
//		{Name: "docs/readme.txt", Size: 42, Mode: 0o644, Modified: then, Open: open, CRC: crc},
//	})
//	if err != nil {
//		return err // an invalid name, or the same name twice
//	}
//	for _, part := range parts {
//		switch {
//		case part.Open != nil: // part.Size bytes of the file, from its start
//		default: // part.Bytes makes the bytes before, between and after files
//		}
//	}
//
// Nothing is compressed. An archive is a function of the names, sizes, modes and times of its entries; only the
// checksums of a zip need the content, and they have a fixed size. A file that no longer has the size and time of its
// entry when its turn comes is [ErrChanged]: the archive that was promised cannot be completed.
//
// # Names
//
// A program that extracts the archive writes files by these names. So they must not lead out of its directory: they
// are made relative and without "." and ".." elements. Backslashes, which separate elements on Windows, control
// characters and the colon of a drive ("C:") become underscores. A name that is empty then, one that two entries have,
// and one of more than 65,000 bytes are refused. There are no links in an archive.
//
// Names need not be UTF-8. A zip marks those that are; of the others each reader decides how to decode them.
package archive

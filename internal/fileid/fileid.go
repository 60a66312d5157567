package fileid

import (
	"io/fs"
	"os"
	"time"
)

// File is an open file. It need not be an *os.File.
type File interface {
	Stat() (fs.FileInfo, error)
}

// Of returns the ID of the present version of f. If f is not an *os.File, Device,
// Inode and Changed are zero, because a file derived from another, such as its
// decrypted content, often has the FileInfo of the original.
func Of(f File) (ID, error) {
	if osFile, ok := f.(*os.File); ok {
		return ofOS(osFile)
	}
	info, err := f.Stat()
	if err != nil {
		return ID{}, err
	}
	return fromInfo(info), nil
}

// ID identifies a version of a file. It is comparable.
type ID struct {
	Device, Inode uint64
	Size          int64
	Mode          uint32 // type, permissions and attributes, in the system's format
	Regular       bool   // whether Mode is that of a regular file
	Modified      int64  // when the content changed, unless a program set another time; Unix, in ns

	// Changed is when content or attributes last changed; Unix, in ns. Programs
	// cannot set it. Zero means that the system or the file system has no such
	// time.
	Changed int64
}

// Known reports whether files with equal IDs have the same content. It is false if
// Changed is missing.
func (id ID) Known() bool { return id.Changed != 0 }

// tick is the longest interval of the clock of a file system, that of FAT.
const tick = 2 * time.Second

// Settled reports whether any change after now results in another ID.
func (id ID) Settled(now time.Time) bool {
	last := id.Changed
	if !id.Known() {
		last = id.Modified
	}
	return now.Sub(time.Unix(0, last)) > tick
}

// fromInfo returns an ID with the fields that every FileInfo has.
func fromInfo(info fs.FileInfo) ID {
	return ID{
		Size: info.Size(), Mode: uint32(info.Mode()), Regular: info.Mode().IsRegular(),
		Modified: info.ModTime().UnixNano(),
	}
}

package fileid

import (
	"io/fs"
	"os"
	"time"
)

// File is an open file of any kind.
type File interface {
	Stat() (fs.FileInfo, error)
}

// Of returns the present state of f, as much of it as is told: all of an
// *os.File, where the system does. Of any other no device, no inode and no change
// is believed: what is made of a file, such as its decrypted content, often has
// the FileInfo of that file.
func Of(f File) (ID, error) {
	if osFile, ok := f.(*os.File); ok {
		return ofOS(osFile)
	}
	info, err := f.Stat()
	if err != nil {
		return ID{}, err
	}
	return partial(info), nil
}

// ID is a state of a file. It is comparable.
type ID struct {
	Device, Inode uint64
	Size          int64
	Mode          uint32 // type, permissions and attributes, as the system tells them
	Regular       bool   // by that
	Modified      int64  // when the content changed, or what somebody set in its place; Unix, in ns

	// Changed is when anything changed, content or attributes, which no program
	// can set back; Unix, in ns. Zero means that the system or the file system
	// does not tell.
	Changed int64
}

// Known reports whether two files with this ID have the same content.
func (id ID) Known() bool { return id.Changed != 0 }

// tick is more than the clocks of file systems need between two changes to
// tell them apart; FAT has two seconds.
const tick = 2 * time.Second

// Settled reports whether a change from now on would show in the ID.
func (id ID) Settled(now time.Time) bool {
	last := id.Changed
	if !id.Known() {
		last = id.Modified
	}
	return now.Sub(time.Unix(0, last)) > tick
}

// partial is what every FileInfo tells.
func partial(info fs.FileInfo) ID {
	return ID{
		Size: info.Size(), Mode: uint32(info.Mode()), Regular: info.Mode().IsRegular(),
		Modified: info.ModTime().UnixNano(),
	}
}

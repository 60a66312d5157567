package quota

import (
	"fmt"
	"io/fs"
)

// Limit is what a user may have below its home. Zero means no limit.
type Limit struct {
	Bytes int64 // of regular files
	Files int64 // names of files, directories and links

	FileBytes int64 // of each file, when it is written
}

// NeedsCount reports whether the limit is one of all files together.
func (l Limit) NeedsCount() bool { return l.Bytes > 0 || l.Files > 0 }

// IsZero reports whether there is no limit.
func (l Limit) IsZero() bool { return l == Limit{} }

// Reserve is the space of each disk that uploads leave free. The zero value is none.
type Reserve struct {
	Bytes   int64
	Percent float64 // of the size of the disk, instead of Bytes
}

// IsZero reports whether there is no reserve.
func (r Reserve) IsZero() bool { return r == Reserve{} }

// of returns the reserve of a disk of size bytes.
func (r Reserve) of(size int64) int64 {
	if r.Percent > 0 {
		return int64(r.Percent / 100 * float64(size))
	}
	return r.Bytes
}

// Reason says which bound an upload would exceed.
type Reason int

const (
	Bytes    Reason = iota // the bytes of a Limit
	Files                  // the files of a Limit
	Disk                   // the Reserve of the disk
	Counting               // none: the files of the home are not counted yet
	FileSize               // the bytes of one file
)

var reasons = []string{"quota-bytes", "quota-files", "disk-reserve", "counting", "file-size"}

// Reasons returns the texts of all reasons.
func Reasons() []string { return reasons }

// String returns the reason as a label of metrics.
func (r Reason) String() string { return reasons[r] }

// Error means that a change was not made because of a bound. Nothing was written.
type Error struct {
	Reason Reason
	Limit  int64 // the bound: of the home, of the file, or the reserve of the disk
	Used   int64 // what the home has; 0 for Disk and FileSize
	Free   int64 // what may still be written; never negative

	// TooLarge means that the file does not fit even into an empty home.
	TooLarge bool

	reported bool // to Volume.OnRefusal
}

// Is reports that the change was refused, as one without the right to it: it is no failure of the file system.
func (e *Error) Is(target error) bool { return target == fs.ErrPermission }

func (e *Error) Error() string {
	switch {
	case e.Reason == Counting:
		return "the files of the home directory are being counted for the quota: try again soon"
	case e.Reason == Disk:
		return fmt.Sprintf("the disk has no room: the server keeps %d bytes free, beyond which %d are free", e.Limit, e.Free)
	case e.Reason == FileSize:
		return fmt.Sprintf("the file is larger than the %d bytes that a file may have", e.Limit)
	case e.Reason == Files:
		return fmt.Sprintf("the quota is exceeded: %d files and directories are allowed, %d exist, %d can be added", e.Limit, e.Used, e.Free)
	case e.TooLarge:
		return fmt.Sprintf("the file is larger than the quota of %d bytes", e.Limit)
	}
	return fmt.Sprintf("the quota is exceeded: %d bytes are allowed, %d are used, %d are free", e.Limit, e.Used, e.Free)
}

// tooLong returns the error of a file with more than most bytes.
func tooLong(most int64) *Error { return &Error{Reason: FileSize, Limit: most, TooLarge: true} }

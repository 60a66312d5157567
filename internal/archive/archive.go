package archive

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"
)

// File is an open file, such as an *os.File.
type File interface {
	io.ReaderAt
	io.Closer
	Stat() (fs.FileInfo, error)
}

// Entry is a file or a directory to be put into an archive.
type Entry struct {
	Name     string      // separated by slashes; see the package comment for how it is cleaned
	Size     int64       // of the file, in bytes; ignored for a directory
	Modified time.Time   // as in the file system
	Mode     fs.FileMode // only its permission bits are used
	Dir      bool        // a directory; else a regular file

	// Content, if not nil, is the content of a file that does not exist on a disk. Its length replaces Size, and
	// neither Open nor CRC is called.
	Content []byte

	// Open opens the file. It is called when the turn of the file comes: any number of times, and by several
	// goroutines at once if they read the archive. It is not called for directories and empty files, and may be nil
	// for these.
	Open func() (File, error)
	// CRC returns the CRC-32 (IEEE) of the file's content, for a zip. An archive calls it until it has returned a
	// checksum. It is called in the same cases as Open.
	CRC func(ctx context.Context) (uint32, error)
}

// Part is Size bytes of an archive, from one of two sources. Both may be used by many goroutines at once.
type Part struct {
	Size int64

	// Bytes makes the bytes. It may have to read a whole file for its checksum; ctx ends that.
	Bytes func(ctx context.Context) ([]byte, error)
	// Open opens a file that begins with the bytes. The caller closes it.
	Open func() (File, error)
}

// ErrChanged means that a file no longer has the size or time of its entry, or is not a regular file.
var ErrChanged = errors.New("changed since the archive was laid out")

// hasContent reports whether the archive has content of the entry.
func (e *Entry) hasContent() bool { return !e.Dir && e.Size > 0 }

// content returns the part that is the content of a file.
func (e *Entry) content() Part {
	if e.Content != nil {
		return Part{Size: e.Size, Bytes: func(context.Context) ([]byte, error) { return e.Content, nil }}
	}
	return Part{Size: e.Size, Open: e.open}
}

// open opens the file if it still matches the entry.
func (e *Entry) open() (File, error) {
	f, err := e.Open()
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && (!fi.Mode().IsRegular() || fi.Size() != e.Size || !fi.ModTime().Equal(e.Modified)) {
		err = &fs.PathError{Op: "open", Path: e.Name, Err: ErrChanged}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// format is one format of archives.
type format interface {
	// headSize and tailSize return how many bytes come before and after the content of entry i.
	headSize(i int) int64
	tailSize(i int) int64
	// appendHead and appendTail append them.
	appendHead(b []byte, i int) []byte
	appendTail(ctx context.Context, b []byte, i int) ([]byte, error)
}

// maxMade bounds the memory of a part between two files: when it has so many bytes, the next part begins.
const maxMade = 64 << 10

// wrap returns the parts of all entries. The bytes between two files are one part.
func wrap(f format, entries []Entry) []Part {
	parts := make([]Part, 0, 2*len(entries)+2) // with room for those at the end
	tail := -1                                 // the entry whose tail is to be written
	var size int64                             // of that tail and of the heads from first on
	first := 0
	flush := func(end int) {
		if size > 0 {
			parts = append(parts, Part{Size: size, Bytes: between(f, size, tail, first, end)})
		}
		tail, size, first = -1, 0, end
	}
	for i := range entries {
		size += f.headSize(i)
		if e := &entries[i]; e.hasContent() {
			flush(i + 1)
			parts = append(parts, e.content())
			tail, size = i, f.tailSize(i)
		} else if size >= maxMade {
			flush(i + 1)
		}
	}
	flush(len(entries))
	return parts
}

// between makes the tail of one entry, unless it is -1, and the heads of those from first up to end.
func between(f format, size int64, tail, first, end int) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) (b []byte, err error) {
		b = make([]byte, 0, size)
		if tail >= 0 {
			if b, err = f.appendTail(ctx, b, tail); err != nil {
				return nil, err
			}
		}
		for i := first; i < end; i++ {
			b = f.appendHead(b, i)
		}
		return b, nil
	}
}

package sendfile

import (
	"fmt"
	"io"
	"os"
)

// content is the source or destination of a transfer opposite the connection. A
// *os.File may take a fast method; everything else is copied by its own ReadAt or
// WriteAt. A type that embeds *os.File counts as something else, because it may
// override the methods of the file.
type content struct {
	file   *os.File    // source or target if it is a *os.File; otherwise nil
	source io.ReaderAt // of Send
	target io.WriterAt // of Receive
	bytes  []byte      // of Write: bytes still to be written
}

// contentOfSource returns the content for Send.
func contentOfSource(src io.ReaderAt) content {
	f, ok := src.(*os.File)
	if ok && f == nil {
		return content{}
	}
	return content{file: f, source: src}
}

// contentOfTarget returns the content for Receive.
func contentOfTarget(dst io.WriterAt) content {
	f, ok := dst.(*os.File)
	if ok && f == nil {
		return content{}
	}
	return content{file: f, target: dst}
}

// contentOfBytes returns the content for Write.
func contentOfBytes(p []byte) content {
	if p == nil {
		p = []byte{}
	}
	return content{bytes: p}
}

// isMissing reports whether the caller has passed nil, or a nil *os.File.
func (c *content) isMissing() bool {
	return c.source == nil && c.target == nil && c.bytes == nil
}

// checkRead checks the results n and err of a ReadAt into a buffer of size bytes,
// at least one. io.ReaderAt promises a count from 0 to size, and an error with
// each count below size. checkRead accepts a short count without an error,
// because the next call continues where this one ended.
func checkRead(size, n int, err error) (int, error) {
	switch {
	case n < 0 || n > size:
		return 0, fmt.Errorf("ReadAt returned an invalid count: %d for %d bytes", n, size)
	case n == 0 && err == nil:
		return 0, io.ErrNoProgress
	}
	return n, err
}

// checkWrite checks the results n and err of a WriteAt of size bytes. io.WriterAt
// promises a count from 0 to size, and an error with each count below size.
func checkWrite(size, n int, err error) (int, error) {
	switch {
	case n < 0 || n > size:
		return 0, fmt.Errorf("WriteAt returned an invalid count: %d for %d bytes", n, size)
	case n < size && err == nil:
		return n, io.ErrShortWrite
	}
	return n, err
}

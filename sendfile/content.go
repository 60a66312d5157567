package sendfile

import (
	"fmt"
	"io"
	"os"
)

// content is the end of a transfer that is not the connection. This file alone
// decides what kind of content a caller has passed: a *os.File may take a fast
// method, everything else is copied by its own ReadAt or WriteAt. A type that
// embeds *os.File is not one, because its methods may replace those of the
// file.
type content struct {
	file   *os.File    // source or target, if that is a *os.File; else nil
	source io.ReaderAt // of Send
	target io.WriterAt // of Receive
	bytes  []byte      // of Write: what is not yet written
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

// checkRead checks what ReadAt returned for asked bytes, at least one.
// io.ReaderAt promises a count from 0 to asked, and an error with each count
// below asked. A count between them without an error is accepted, because the
// next call continues behind it.
func checkRead(asked, n int, err error) (int, error) {
	switch {
	case n < 0 || n > asked:
		return 0, fmt.Errorf("ReadAt returned an invalid count: %d for %d bytes", n, asked)
	case n == 0 && err == nil:
		return 0, io.ErrNoProgress
	}
	return n, err
}

// checkWrite checks what WriteAt returned for given bytes. io.WriterAt
// promises a count from 0 to given, and an error with each count below given.
func checkWrite(given, n int, err error) (int, error) {
	switch {
	case n < 0 || n > given:
		return 0, fmt.Errorf("WriteAt returned an invalid count: %d for %d bytes", n, given)
	case n < given && err == nil:
		return n, io.ErrShortWrite
	}
	return n, err
}

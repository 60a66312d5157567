package sendfile

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
)

// Section is a part of a file, or of another source, for code that only knows
// io.Reader and io.Copy: when it is copied to a net.Conn it goes there by Send.
//
// Like io.SectionReader, which copies always, it has a position of its own and
// neither uses nor moves that of a file. It is not safe for concurrent use,
// except for ReadAt; any number of Sections may share one source.
type Section struct {
	// Options are those of Send in WriteTo; nil means all defaults.
	Options *Options

	src  io.ReaderAt
	off  int64 // of the section in src
	n    int64 // length of the section
	pos  int64 // in the section; may lie behind its end
	last Result
}

var _ interface {
	io.ReadSeeker
	io.ReaderAt
	io.WriterTo
} = (*Section)(nil)

// NewSection returns the n bytes of src at off. It opens and closes nothing.
// Negative numbers are taken for 0. What Send says of its source holds here
// too: only a *os.File is sent without a copy.
func NewSection(src io.ReaderAt, off, n int64) *Section {
	return &Section{src: src, off: max(off, 0), n: max(n, 0)}
}

// Size returns the length of the section in bytes.
func (s *Section) Size() int64 { return s.n }

// Read reads from the section's position on.
func (s *Section) Read(p []byte) (int, error) {
	n, err := s.ReadAt(p, s.pos)
	s.pos += int64(n)
	if n > 0 && err == io.EOF {
		err = nil // the next call says so
	}
	return n, err
}

// ReadAt reads at an offset in the section. At the end of the section it
// returns io.EOF; if the source ends before, io.ErrUnexpectedEOF.
func (s *Section) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("sendfile: negative offset in a section")
	}
	if off >= s.n {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if s.src == nil {
		return 0, os.ErrInvalid
	}
	want := len(p)
	p = p[:min(int64(want), s.n-off)]
	n, err := s.src.ReadAt(p, s.off+off)
	n, err = checkRead(len(p), n, err)
	switch {
	case err == io.EOF && n < len(p):
		err = io.ErrUnexpectedEOF
	case err == io.EOF:
		err = nil
	}
	if err == nil && n == len(p) && n < want {
		err = io.EOF
	}
	return n, err
}

// Seek sets the section's position. Behind the end there is nothing to read.
func (s *Section) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += s.pos
	case io.SeekEnd:
		offset += s.n
	default:
		return 0, errors.New("sendfile: unknown whence in a section")
	}
	if offset < 0 {
		return 0, errors.New("sendfile: seek before the beginning of a section")
	}
	s.pos = offset
	return offset, nil
}

// WriteTo writes what is left of the section to w, by Send if w is a net.Conn
// and otherwise by Write. It is what io.Copy calls. How the bytes went is told
// by Result.
func (s *Section) WriteTo(w io.Writer) (int64, error) {
	left := max(s.n-s.pos, 0)
	if conn, ok := w.(net.Conn); ok {
		var err error
		s.last, err = Send(context.Background(), conn, s.src, s.off+min(s.pos, s.n), left, s.Options)
		s.pos += s.last.Sent
		return s.last.Sent, err
	}
	n, err := io.Copy(w, struct{ io.Reader }{s})
	s.last = Result{Sent: n, Method: Copy}
	return n, err
}

// Result returns how the last WriteTo went.
func (s *Section) Result() Result { return s.last }

package sendfile

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
)

// Section is a part of a file, or of another source, for APIs that take an
// io.Reader and call io.Copy: io.Copy to a net.Conn sends it by [Send].
//
// A Section has a position of its own and neither uses nor moves that of the
// file, like io.SectionReader, which is always copied. Only ReadAt is safe for
// concurrent use. Any number of Sections may share one source.
type Section struct {
	// Options are passed to Send by WriteTo; nil means all defaults.
	Options *Options

	src  io.ReaderAt
	off  int64 // offset of the section in src
	n    int64 // length of the section
	pos  int64 // position in the section; may be past its end
	last Result
}

var _ interface {
	io.ReadSeeker
	io.ReaderAt
	io.WriterTo
} = (*Section)(nil)

// NewSection returns a Section of the n bytes of src that begin at off. The
// caller keeps ownership of src, which must stay open while the Section is in
// use. Negative numbers count as 0. As for Send, only a *os.File is sent without
// a copy.
func NewSection(src io.ReaderAt, off, n int64) *Section {
	return &Section{src: src, off: max(off, 0), n: max(n, 0)}
}

// Size returns the length of the section in bytes.
func (s *Section) Size() int64 { return s.n }

// Read reads from the section's position and advances it. At the end of the
// section it returns io.EOF; if the source ends earlier, io.ErrUnexpectedEOF.
func (s *Section) Read(p []byte) (int, error) {
	n, err := s.ReadAt(p, s.pos)
	s.pos += int64(n)
	if n > 0 && err == io.EOF {
		err = nil // the next call returns it
	}
	return n, err
}

// ReadAt reads at an offset in the section. At the end of the section it
// returns io.EOF; if the source ends earlier, io.ErrUnexpectedEOF.
func (s *Section) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("sendfile: Section.ReadAt: negative offset")
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

// Seek sets the section's position. A position past the end is allowed; reads
// there return io.EOF.
func (s *Section) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += s.pos
	case io.SeekEnd:
		offset += s.n
	default:
		return 0, errors.New("sendfile: Section.Seek: invalid whence")
	}
	if offset < 0 {
		return 0, errors.New("sendfile: Section.Seek: negative position")
	}
	s.pos = offset
	return offset, nil
}

// WriteTo writes the section from its position to its end to w, by Send if w is
// a net.Conn and otherwise by w.Write, and advances the position. io.Copy calls
// it. It blocks as Send does, without a context. Result reports how the bytes
// went.
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

// Result returns the Result of the last WriteTo, or the zero Result before the
// first one.
func (s *Section) Result() Result { return s.last }

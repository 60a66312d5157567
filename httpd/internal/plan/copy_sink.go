package plan

import (
	"io"

	"sluice/sendfile"
)

// copySink is a Sink that copies a body to a Writer, such as an encoder.
type copySink struct {
	io.Writer
	buf []byte
}

// WriteFile implements Sink.
func (s *copySink) WriteFile(content []byte) error {
	_, err := s.Write(content)
	return err
}

// SendFile implements Sink.
func (s *copySink) SendFile(f io.ReaderAt, off, n int64) error {
	for done := int64(0); done < n; {
		b := s.buf[:min(int64(len(s.buf)), n-done)]
		read, err := f.ReadAt(b, off+done)
		if _, err := s.Write(b[:read]); err != nil {
			return err
		}
		done += int64(read)
		switch {
		case err == io.EOF && done < n:
			err = io.ErrUnexpectedEOF // the file has shrunk
		case err == io.EOF:
			err = nil
		}
		if err != nil {
			return &sendfile.Error{Op: "send", Side: sendfile.File, Method: sendfile.Copy, Offset: off + done, Err: err}
		}
	}
	return nil
}

// StopClock implements Sink.
func (s *copySink) StopClock() {}

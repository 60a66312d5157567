package plan

import (
	"io"

	"sluice/sendfile"
)

// copySink is a Sink that copies a body to a Writer, such as an encoder.
type copySink struct {
	io.Writer
	buf    []byte
	diskOf func(f io.ReaderAt) sendfile.Admission // of SendFile
}

// WriteFile implements Sink.
func (s *copySink) WriteFile(content []byte) error {
	_, err := s.Write(content)
	return err
}

// SendFile implements Sink.
func (s *copySink) SendFile(f io.ReaderAt, off, n int64) error {
	disk := s.diskOf(f)
	for done := int64(0); done < n; {
		b := s.buf[:min(int64(len(s.buf)), n-done)]
		read, err := readOn(disk, f, b, off+done)
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

// readOn reads from a file, if disk admits that.
func readOn(disk sendfile.Admission, f io.ReaderAt, b []byte, off int64) (int, error) {
	if err := disk.Enter(); err != nil {
		return 0, err
	}
	defer disk.Leave()
	return f.ReadAt(b, off)
}

// StopClock implements Sink.
func (s *copySink) StopClock() {}

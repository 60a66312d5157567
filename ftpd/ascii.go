package ftpd

import (
	"bufio"
	"io"
	"runtime"
)

// With TYPE A, lines end with CR LF on the network (RFC 959, 3.1.1.1). In files they end
// with LF, except on Windows, where nothing is converted.

// lineReader reads a file and returns it with CR LF line ends.
type lineReader struct {
	from io.Reader
	in   *bufio.Reader // nil before the first ReadAt
	last byte          // the byte returned last
	held bool          // an LF follows, whose CR was returned last
}

// ReadAt reads the next bytes. It ignores the offset: the calls are sequential.
func (r *lineReader) ReadAt(p []byte, _ int64) (n int, err error) {
	if r.in == nil {
		r.in = bufio.NewReader(r.from)
	}
	for n < len(p) {
		if r.held {
			p[n], r.last, r.held = '\n', '\n', false
			n++
			continue
		}
		c, err := r.in.ReadByte()
		if err != nil {
			return n, err
		}
		if c == '\n' && r.last != '\r' {
			c, r.held = '\r', true
		}
		p[n], r.last = c, c
		n++
	}
	return n, nil
}

// lineWriter writes the bytes from the client to a file, and turns CR LF into LF.
type lineWriter struct {
	to io.WriterAt
	at int64 // offset of the next byte in to
	cr bool  // a CR has come; it is dropped if an LF follows
}

// WriteAt writes the next bytes. It ignores the offset, which counts unconverted bytes;
// the calls are sequential.
func (w *lineWriter) WriteAt(p []byte, _ int64) (int, error) {
	if runtime.GOOS == "windows" {
		n, err := w.to.WriteAt(p, w.at)
		w.at += int64(n)
		return n, err
	}
	lines := make([]byte, 0, len(p)+1)
	for _, c := range p {
		if w.cr && c != '\n' {
			lines = append(lines, '\r')
		}
		if w.cr = c == '\r'; !w.cr {
			lines = append(lines, c)
		}
	}
	if err := w.write(lines); err != nil {
		return 0, err
	}
	return len(p), nil
}

// flush writes a CR at the very end.
func (w *lineWriter) flush() error {
	if !w.cr {
		return nil
	}
	w.cr = false
	return w.write([]byte{'\r'})
}

func (w *lineWriter) write(p []byte) error {
	n, err := w.to.WriteAt(p, w.at)
	w.at += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}

package ftpd

import (
	"bufio"
	"io"
	"runtime"
)

// Lines of TYPE A end with CR and LF on the way (RFC 959, 3.1.1.1), and with LF
// here; on Windows they end alike.

// lineReader reads lines as they go to the client.
type lineReader struct {
	from io.Reader
	in   *bufio.Reader // nil before the first ReadAt
	last byte          // before what comes
	held bool          // an LF, whose CR has gone
}

// ReadAt reads what follows: off is where the last one has ended.
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

// lineWriter writes lines that come from the client.
type lineWriter struct {
	to io.WriterAt
	at int64 // of the next byte in to
	cr bool  // one has come, and what follows decides about it
}

// WriteAt writes what has come: its offset there is not that here.
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

// flush writes the CR that nothing has followed.
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

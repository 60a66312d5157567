package control

import (
	"bytes"
	"errors"
)

// MaxLine is the longest command line in bytes, its end included. Most are
// short, and most clients idle: an Input has shortLine bytes until it needs more.
const (
	MaxLine   = 4096
	shortLine = 256
)

var (
	// ErrTooLong is for a line of more than MaxLine bytes, which is dropped.
	ErrTooLong = errors.New("command line too long")
	// ErrNUL is for a line with a NUL, which is dropped: what is behind it would
	// be lost in the names of files.
	ErrNUL = errors.New("NUL in the command line")
	// ErrForeign is for a client that speaks another protocol. It ends the
	// connection.
	ErrForeign = errors.New("client does not speak FTP")
	// ErrBinary is ErrForeign for a client that would not understand a reply.
	ErrBinary = errors.New("client does not speak FTP, but TLS as it seems")
)

// Input makes lines of what a client sends, in whatever pieces that comes. A
// line without its end is no line: a command that is cut off is not a shorter
// command. The zero value is ready for use.
type Input struct {
	buf     []byte
	have    int  // bytes in buf
	tooLong bool // the line is longer than MaxLine: it is dropped up to its end
	trusted bool // see Trust
}

// Room returns where to put more bytes. It is never empty after Next has
// returned false.
func (in *Input) Room() []byte {
	switch {
	case in.have == 0 && len(in.buf) != shortLine:
		in.buf = make([]byte, shortLine)
	case in.have == len(in.buf):
		in.buf = append(in.buf, make([]byte, min(len(in.buf), MaxLine-len(in.buf)))...)
	}
	return in.buf[in.have:]
}

// Add tells how many bytes were put into Room.
func (in *Input) Add(n int) { in.have += n }

// Next returns the next line without its end, free of Telnet's commands; ok is
// false if more bytes are needed. ErrTooLong and ErrNUL are about that line alone.
func (in *Input) Next() (line string, ok bool, err error) {
	if !in.trusted && in.isBinary() {
		return "", true, ErrBinary
	}
	end := bytes.IndexByte(in.buf[:in.have], '\n') + 1
	if end == 0 {
		if in.have == MaxLine {
			in.have, in.tooLong = 0, true
		}
		return "", false, nil
	}
	if in.tooLong {
		err = ErrTooLong
	} else {
		line, err = cleanLine(in.buf[:end])
	}
	in.have = copy(in.buf, in.buf[end:in.have])
	in.tooLong = false
	if err == nil && !in.trusted && isForeign(line) {
		err = ErrForeign
	}
	return line, true, err
}

// Trust tells that a command was understood: from now on nothing is taken for
// another protocol.
func (in *Input) Trust() { in.trusted = true }

// IsEmpty reports whether nothing has come that Next has not returned.
func (in *Input) IsEmpty() bool { return in.have == 0 && !in.tooLong }

// IsFull reports whether MaxLine bytes wait for Next.
func (in *Input) IsFull() bool { return in.have >= MaxLine }

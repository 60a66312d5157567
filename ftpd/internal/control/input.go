package control

import (
	"bytes"
	"errors"
)

// MaxLine is the length limit of a command line in bytes, its end included. Most lines
// are short and most clients idle, so the buffer of an Input begins with shortLine bytes.
const (
	MaxLine   = 4096
	shortLine = 256
)

var (
	// ErrTooLong means that a line was longer than MaxLine and was dropped.
	ErrTooLong = errors.New("command line too long")
	// ErrNUL means that a line had a NUL and was dropped: system calls would cut a file
	// name at the NUL.
	ErrNUL = errors.New("NUL in the command line")
	// ErrForeign means that the client speaks another protocol. Close the connection.
	ErrForeign = errors.New("client does not speak FTP")
	// ErrBinary is like ErrForeign, but the client would not understand a reply.
	ErrBinary = errors.New("client speaks TLS, not FTP")
)

// Input makes lines of the bytes that a client sends, however they are split into reads.
// It never returns a line without its end, because a command that is cut off could be
// another command. The zero value is ready for use.
type Input struct {
	buf     []byte
	have    int  // bytes in buf
	tooLong bool // the current line is longer than MaxLine, and is dropped up to its end
	trusted bool // see Trust
}

// Room returns the free part of the buffer, to read into. It is never empty after Next
// has returned ok as false.
func (in *Input) Room() []byte {
	switch {
	case in.have == 0 && len(in.buf) != shortLine:
		in.buf = make([]byte, shortLine)
	case in.have == len(in.buf):
		in.buf = append(in.buf, make([]byte, min(len(in.buf), MaxLine-len(in.buf)))...)
	}
	return in.buf[in.have:]
}

// Add notes that n bytes were read into Room.
func (in *Input) Add(n int) { in.have += n }

// Next returns the next line without its end and without Telnet commands; ok is false if
// more bytes are needed. After ErrTooLong and ErrNUL the next call goes on with the line
// that follows.
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

// Trust notes that a command was valid: Next no longer returns ErrForeign and ErrBinary.
func (in *Input) Trust() { in.trusted = true }

// IsEmpty reports whether no bytes wait for Next.
func (in *Input) IsEmpty() bool { return in.have == 0 && !in.tooLong }

// IsFull reports whether MaxLine bytes wait for Next.
func (in *Input) IsFull() bool { return in.have >= MaxLine }

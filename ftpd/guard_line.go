package ftpd

import (
	"bytes"
	"errors"
	"slices"
	"strings"
)

// maxLine is the longest command line, its end included. The library has the
// same limit. Most are short, and most clients idle: they get no more than shortLine.
const (
	maxLine   = 4096
	shortLine = 256
)

var (
	errLongLine = errors.New("command line too long")
	errNUL      = errors.New("NUL in the command line")
)

// lineBuffer makes lines of what a client sends, in whatever pieces that
// comes. A line without its end is no line: a command that is cut off is not
// a shorter command. Of one that is too long nothing is left.
type lineBuffer struct {
	buf     []byte
	have    int  // bytes in buf
	tooLong bool // the line is longer than maxLine: it is dropped up to its end
}

// room returns where to put more bytes; it is never empty after next has
// returned false.
func (l *lineBuffer) room() []byte {
	switch {
	case l.have == 0 && len(l.buf) != shortLine:
		l.buf = make([]byte, shortLine)
	case l.have == len(l.buf):
		l.buf = append(l.buf, make([]byte, min(len(l.buf), maxLine-len(l.buf)))...)
	}
	return l.buf[l.have:]
}

// add tells how many bytes were put into room.
func (l *lineBuffer) add(n int) { l.have += n }

// next returns the next line without its end, free of Telnet's commands; ok is
// false if more bytes are needed. An error is about that line alone.
func (l *lineBuffer) next() (line string, ok bool, err error) {
	end := bytes.IndexByte(l.buf[:l.have], '\n') + 1
	if end == 0 {
		if l.have == maxLine {
			l.have, l.tooLong = 0, true
		}
		return "", false, nil
	}
	if l.tooLong {
		err = errLongLine
	} else {
		line, err = cleanLine(l.buf[:end])
	}
	l.have = copy(l.buf, l.buf[end:l.have])
	l.tooLong = false
	return line, true, err
}

// isBinary reports whether what has come begins as no command does.
func (l *lineBuffer) isBinary() bool {
	const handshake = 0x16 // the type of the first record of TLS
	return l.have > 0 && (l.buf[0] == handshake || l.buf[0] == 0x80)
}

// empty reports whether nothing has come that was not taken.
func (l *lineBuffer) empty() bool { return l.have == 0 && !l.tooLong }

// What Telnet puts among the bytes of a line (RFC 854; RFC 959, 4.1.3, for
// ABOR).
const (
	telnetFirst = 240 // SE, the first command
	telnetWill  = 251 // WILL, WONT, DO and DONT: an option follows
	telnetIAC   = 255 // a command follows, or the byte itself
)

// cleanLine takes off the end of a line and what is Telnet's. A byte 255 that
// no command follows is one of a name: most clients do not know that they
// would have to send it twice.
func cleanLine(raw []byte) (string, error) {
	raw = bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
	if bytes.IndexByte(raw, telnetIAC) < 0 && bytes.IndexByte(raw, 0) < 0 {
		return trimUrgent(string(raw)), nil
	}
	clean := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		c, next := raw[i], byte(1)
		if i+1 < len(raw) {
			next = raw[i+1]
		}
		switch {
		case c == '\r' && next == 0: // a carriage return that ends nothing
			i++
		case c == 0:
			return "", errNUL
		case c == telnetIAC && next == telnetIAC:
			i++
		case c == telnetIAC && next >= telnetWill:
			i += 2
			continue
		case c == telnetIAC && next >= telnetFirst:
			i++
			continue
		}
		clean = append(clean, c)
	}
	return trimUrgent(string(clean)), nil
}

// trimUrgent takes off what is left of Telnet's Synch before ABOR where the
// urgent byte was taken out of the stream.
func trimUrgent(line string) string {
	for line != "" && line[0] >= telnetFirst {
		line = line[1:]
	}
	return line
}

// splitLine returns the name of a command, in capitals, and its argument.
func splitLine(line string) (name, arg string) {
	name, arg, _ = strings.Cut(line, " ")
	return asciiUpper(name), arg
}

// asciiUpper is strings.ToUpper for names of commands, which other letters
// cannot become.
func asciiUpper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - ('a' - 'A')
		}
	}
	return string(b)
}

// foreign are what the first lines of other protocols begin with. A browser
// that is made to talk to this port sends commands of FTP after them.
var foreign = []string{
	"GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", "PRI ", // HTTP
	"SSH-",          // SSH
	"EHLO ",         // SMTP
	"HELO ",         //
	"\x03",          // TPKT, of RDP
	"PROXY TCP",     // the PROXY protocol that nobody has switched on
	"PROXY UNKNOWN", //
}

// isForeign reports whether a client's first line is of another protocol.
func isForeign(line string) bool {
	return slices.ContainsFunc(foreign, func(prefix string) bool { return strings.HasPrefix(line, prefix) })
}

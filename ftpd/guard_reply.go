package ftpd

import (
	"bytes"
	"strconv"

	"sluice/ftpd/internal/list"
)

// append appends r as it goes over the wire (RFC 959, 4.2).
func (r reply) append(b []byte) []byte {
	if r.code == 0 {
		return b
	}
	last := len(r.lines) - 1
	for i, text := range r.lines {
		switch {
		case i == last:
			b = append(strconv.AppendInt(b, int64(r.code), 10), ' ')
		case i == 0:
			b = append(strconv.AppendInt(b, int64(r.code), 10), '-')
		default:
			b = append(b, ' ') // so that it is not taken for the end
		}
		b = append(b, list.Printable(text)...)
		b = append(b, '\r', '\n')
	}
	return b
}

// replyBuffer makes replies of what the library writes, in whatever pieces.
type replyBuffer struct {
	buf   []byte // what has come of the next line
	reply reply  // what has come of the next reply
}

func (b *replyBuffer) add(p []byte) { b.buf = append(b.buf, p...) }

// next returns the next reply; ok is false if it is not whole yet.
func (b *replyBuffer) next() (r reply, ok bool) {
	for {
		line, rest, found := bytes.Cut(b.buf, []byte("\r\n"))
		if !found {
			return reply{}, false
		}
		whole := b.addLine(line)
		b.buf = b.buf[:copy(b.buf, rest)]
		if whole {
			r, b.reply = b.reply, reply{}
			return r, true
		}
	}
}

// addLine reports whether the reply is whole with that line.
func (b *replyBuffer) addLine(line []byte) bool {
	code, last, ok := parseReply(line)
	switch {
	case ok && (b.reply.code == 0 || b.reply.code == code):
		b.reply.code = code
		line = line[4:]
	case len(line) > 0 && line[0] == ' ':
		line = line[1:]
	}
	b.reply.lines = append(b.reply.lines, string(line))
	return last && b.reply.code == code
}

// parseReply returns the code at the beginning of a line, and whether it is of
// the last line of a reply: three digits and a space (RFC 959, 4.2).
func parseReply(line []byte) (code int, last, ok bool) {
	if len(line) < 4 || line[3] != ' ' && line[3] != '-' {
		return 0, false, false
	}
	for _, c := range line[:3] {
		if c < '0' || c > '9' {
			return 0, false, false
		}
		code = 10*code + int(c-'0')
	}
	return code, line[3] == ' ', true
}

package control

import "strconv"

// Reply is a reply of FTP: a code and one or more lines of text. The zero Reply stands
// for no reply.
type Reply struct {
	Code  int
	Lines []string
}

// NewReply returns a reply of one or more lines.
func NewReply(code int, lines ...string) Reply { return Reply{code, lines} }

// IsZero reports whether r is the zero Reply.
func (r Reply) IsZero() bool { return r.Code == 0 }

// Append appends r to b in the format of RFC 959, 4.2; for the zero Reply, nothing. A
// text cannot forge another line: see AppendPrintable.
func (r Reply) Append(b []byte) []byte {
	if r.Code == 0 {
		return b
	}
	last := len(r.Lines) - 1
	for i, text := range r.Lines {
		switch {
		case i == last:
			b = append(strconv.AppendInt(b, int64(r.Code), 10), ' ')
		case i == 0:
			b = append(strconv.AppendInt(b, int64(r.Code), 10), '-')
		default:
			b = append(b, ' ') // a line that begins with a code could look like the last one
		}
		b = append(AppendPrintable(b, text), '\r', '\n')
	}
	return b
}

// AppendPrintable appends text to b, with each ASCII control character replaced by ?. A
// line feed in a file name could forge a line of a reply or of a listing, and an escape
// sequence could reach a terminal. Other bytes stay, whatever their encoding.
func AppendPrintable(b []byte, text string) []byte {
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c == 0x7f {
			c = '?'
		}
		b = append(b, c)
	}
	return b
}

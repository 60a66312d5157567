package control

import "strconv"

// Reply is what a client is told: a code and one or more lines of text. The
// zero Reply is none.
type Reply struct {
	Code  int
	Lines []string
}

// Say returns a reply of one line, or of more.
func NewReply(code int, lines ...string) Reply { return Reply{code, lines} }

// IsZero reports whether there is no reply.
func (r Reply) IsZero() bool { return r.Code == 0 }

// Append appends r to b as it goes over the connection (RFC 959, 4.2); of the
// zero Reply, nothing. No text can forge another line: see AppendPrintable.
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
			b = append(b, ' ') // so that it is not taken for the end
		}
		b = append(AppendPrintable(b, text), '\r', '\n')
	}
	return b
}

// AppendPrintable appends text to b with ? for each control character of ASCII:
// a line feed in a name would forge a line of a reply or of a listing, an escape
// would reach a terminal. Other bytes stay, whatever their encoding.
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

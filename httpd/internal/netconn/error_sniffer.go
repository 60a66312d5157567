package netconn

import "bytes"

// ErrorSniffer finds the responses that net/http sends by itself, to requests that
// are malformed or too long. No handler is called for these: each is written before
// the handler was called for a request. A nil ErrorSniffer does nothing.
//
// It is for HTTP/1, and stands where requests and responses are in clear.
type ErrorSniffer struct {
	conn    *Conn
	refused func(c *Conn, line string, response []byte)

	line     string // of the first request; "": there was another since, or it is not known
	answered bool   // the handler was called, or an error found, since the last request ended
}

// NewErrorSniffer returns a sniffer that calls refused with the first line of the
// request, as far as it is known, and the beginning of the response, before that is
// sent. line is the first line of the first request, if it was read already.
func NewErrorSniffer(c *Conn, line string, refused func(c *Conn, line string, response []byte)) *ErrorSniffer {
	return &ErrorSniffer{conn: c, line: line, refused: refused}
}

// SnifferOf returns the sniffer of a connection of this package; nil if it has none.
func SnifferOf(c any) *ErrorSniffer {
	switch c := c.(type) {
	case *HTTPConn:
		return c.sniffer
	case *TLSConn:
		return c.sniffer
	}
	return nil
}

// HandlerCalled is called when a handler is called.
func (s *ErrorSniffer) HandlerCalled() {
	if s != nil {
		s.answered = true
	}
}

// RequestEnded is called between two requests, after all of the response to the first
// was written.
func (s *ErrorSniffer) RequestEnded() {
	if s != nil {
		s.answered, s.line = false, ""
	}
}

// written is called before p is written.
func (s *ErrorSniffer) written(p []byte) {
	if s != nil && !s.answered {
		s.answered = true
		s.refused(s.conn, s.line, p)
	}
}

// FirstLine returns the first line of a request, as far as it was read, behind empty lines.
func FirstLine(in []byte) string {
	for bytes.HasPrefix(in, []byte("\r\n")) {
		in = in[2:]
	}
	line, _, _ := bytes.Cut(in, []byte("\n"))
	return string(bytes.TrimSuffix(line, []byte("\r")))
}

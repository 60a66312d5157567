package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// A head is the parts of the head of an HTTP response that frame the body and
// end the connection.
type head struct {
	status  int
	length  int64 // of the body; -1: unknown
	chunked bool
	close   bool // the connection ends with this response

	location string

	// Content-Range: first is -1 without this field, total is -1 if unknown.
	first, last, total int64
}

// maxHead is the longest head that is read.
const maxHead = 8 << 10

var errHead = errors.New("malformed response head")

// parseHead parses the head at the start of p and returns its length with the
// empty line, or 0 if p does not hold all of it. It is strict about the fields
// that decide where the body ends (RFC 9112, section 6.3) and ignores others.
func parseHead(p []byte) (h head, n int, err error) {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 {
		if len(p) >= maxHead {
			return head{}, 0, fmt.Errorf("%w: longer than %d bytes", errHead, maxHead)
		}
		return head{}, 0, nil
	}
	n = end + 4
	h = head{length: -1, first: -1, total: -1}
	line, rest, more := bytes.Cut(p[:end], []byte("\r\n"))
	if err := h.statusLine(line); err != nil {
		return head{}, 0, err
	}
	for more {
		line, rest, more = bytes.Cut(rest, []byte("\r\n"))
		if err := h.field(line); err != nil {
			return head{}, 0, err
		}
	}
	if h.chunked && h.length >= 0 {
		return head{}, 0, fmt.Errorf("%w: both Content-Length and Transfer-Encoding", errHead)
	}
	return h, n, nil
}

// statusLine parses "HTTP/1.1 200 OK".
func (h *head) statusLine(line []byte) error {
	const version = len("HTTP/1.x")
	if len(line) < version+4 || string(line[:version-1]) != "HTTP/1." || line[version] != ' ' {
		return fmt.Errorf("%w: status line %.60q", errHead, line)
	}
	h.close = line[version-1] == '0' // unless there is a "Connection: keep-alive"
	status, ok := parseInt(line[version+1 : version+4])
	if !ok || status < 100 || len(line) > version+4 && line[version+4] != ' ' {
		return fmt.Errorf("%w: status line %.60q", errHead, line)
	}
	h.status = int(status)
	return nil
}

// field parses a line of the header. It skips most fields by the length of their
// names.
func (h *head) field(line []byte) error {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 || bytes.IndexByte(line, '\n') >= 0 || line[0] == ' ' || line[0] == '\t' {
		return fmt.Errorf("%w: line %.60q", errHead, line)
	}
	name, value := line[:colon], bytes.Trim(line[colon+1:], " \t")
	switch {
	case colon == len("Content-Length") && equalFold(name, "content-length"):
		length, ok := parseInt(value)
		if !ok || h.length >= 0 && h.length != length {
			return fmt.Errorf("%w: Content-Length %.60q", errHead, value)
		}
		h.length = length
	case colon == len("Transfer-Encoding") && equalFold(name, "transfer-encoding"):
		if !equalFold(value, "chunked") || h.chunked {
			return fmt.Errorf("%w: Transfer-Encoding %.60q", errHead, value)
		}
		h.chunked = true
	case colon == len("Connection") && equalFold(name, "connection"):
		h.connection(value)
	case colon == len("Location") && equalFold(name, "location"):
		h.location = string(value)
	case colon == len("Content-Range") && equalFold(name, "content-range"):
		return h.contentRange(value)
	}
	return nil
}

// connection parses "close", "keep-alive", or a list with one of them.
func (h *head) connection(value []byte) {
	for more := true; more; {
		var option []byte
		option, value, more = bytes.Cut(value, []byte(","))
		switch option = bytes.Trim(option, " \t"); {
		case equalFold(option, "close"):
			h.close = true
			return
		case equalFold(option, "keep-alive"):
			h.close = false
		}
	}
}

// contentRange parses "bytes 0-99/1000" (RFC 9110, section 14.4).
func (h *head) contentRange(value []byte) error {
	spec, isBytes := bytes.CutPrefix(value, []byte("bytes "))
	part, total, hasTotal := bytes.Cut(spec, []byte("/"))
	first, last, hasLast := bytes.Cut(part, []byte("-"))
	if !isBytes || !hasTotal {
		return fmt.Errorf("%w: Content-Range %.60q", errHead, value)
	}
	if string(part) == "*" {
		return nil // of a 416
	}
	var okFirst, okLast bool
	h.first, okFirst = parseInt(first)
	h.last, okLast = parseInt(last)
	okTotal := string(total) == "*"
	if !okTotal {
		h.total, okTotal = parseInt(total)
	}
	if !hasLast || !okFirst || !okLast || !okTotal || h.last < h.first || h.total >= 0 && h.last >= h.total {
		return fmt.Errorf("%w: Content-Range %.60q", errHead, value)
	}
	return nil
}

// bodyless reports whether no body follows, whatever the header says.
func (h *head) bodyless() bool { return h.status < 200 || h.status == 204 || h.status == 304 }

// parseInt parses decimal digits, without a sign.
func parseInt(p []byte) (int64, bool) {
	if len(p) == 0 || len(p) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range p {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}

// equalFold reports whether p is the lower-case ASCII string s in any case.
func equalFold(p []byte, s string) bool {
	if len(p) != len(s) {
		return false
	}
	for i, c := range p {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != s[i] {
			return false
		}
	}
	return true
}

// parseChunkSize parses the first line of a chunk without its CRLF (RFC 9112,
// section 7.1). It ignores extensions.
func parseChunkSize(line []byte) (int64, error) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.TrimRight(digits, " \t")
	n, err := strconv.ParseUint(string(digits), 16, 63)
	if err != nil || digits[0] == '+' {
		return 0, fmt.Errorf("%w: chunk size %.60q", errHead, line)
	}
	return int64(n), nil
}

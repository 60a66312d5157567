package methods

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxHead is the longest request head that is read.
const maxHead = 4 << 10

// A request is a GET of a path.
type request struct {
	path string
	last bool // the client asks to close
}

// A requestReader reads the requests of one connection.
type requestReader struct {
	from io.Reader
	buf  [maxHead]byte
	held int // bytes at the beginning of buf that are not parsed yet
}

// next returns the next request, or io.EOF if the client has closed after the
// last one.
func (r *requestReader) next() (request, error) {
	for {
		if end := bytes.Index(r.buf[:r.held], []byte("\r\n\r\n")); end >= 0 {
			req, err := parseRequest(string(r.buf[:end]))
			r.held = copy(r.buf[:], r.buf[end+4:r.held])
			return req, err
		}
		if r.held == len(r.buf) {
			return request{}, fmt.Errorf("a request head of more than %d bytes", maxHead)
		}
		n, err := r.from.Read(r.buf[r.held:])
		r.held += n
		if n == 0 && err != nil {
			if r.held > 0 {
				return request{}, unexpectedEOF(err)
			}
			return request{}, err
		}
	}
}

// parseRequest parses a head without its last two line ends. It understands
// "Connection: close", refuses requests with a body, and ignores other fields.
func parseRequest(head string) (request, error) {
	line, fields, _ := strings.Cut(head, "\r\n")
	method, rest, _ := strings.Cut(line, " ")
	path, version, _ := strings.Cut(rest, " ")
	if method != "GET" || !strings.HasPrefix(path, "/") || version != "HTTP/1.1" {
		return request{}, fmt.Errorf("not the request line of a GET by HTTP/1.1: %q", line)
	}
	req := request{path: path}
	for field := range strings.SplitSeq(fields, "\r\n") {
		name, value, _ := strings.Cut(field, ":")
		switch value = strings.TrimSpace(value); {
		case strings.EqualFold(name, "Connection"):
			req.last = req.last || strings.EqualFold(value, "close")
		case strings.EqualFold(name, "Content-Length"), strings.EqualFold(name, "Transfer-Encoding"):
			return request{}, errors.New("a request with a body")
		}
	}
	return req, nil
}

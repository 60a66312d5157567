package netconn

// emptyLines removes the empty lines before a request, which old clients send behind a body (RFC 9112, 2.2) and net/http
// refuses. It sees what net/http reads, in clear. The zero value waits for the first request. An empty line that comes in one read with the
// request before it is not removed.
type emptyLines struct {
	inRequest bool // something else than an empty line has come
	half      bool // CR has come last
}

// requestEnded is called between two requests.
func (e *emptyLines) requestEnded() { e.inRequest = false }

// remove removes what is an empty line from the beginning of p, which was read, and returns how much is left.
func (e *emptyLines) remove(p []byte) int {
	i := 0
	for ; i < len(p) && !e.inRequest; i++ {
		switch {
		case !e.half && p[i] == '\r':
			e.half = true
		case e.half && p[i] == '\n':
			e.half = false
		case e.half:
			p[i] = '\r' // it is malformed, and stays so
			e.half = false
			fallthrough
		default:
			e.inRequest = true
			i--
		}
	}
	return copy(p, p[i:])
}

// readBy reads something else than empty lines by read. While a handler runs that has read all of its request, net/http
// reads a single byte, to notice when the client leaves. That byte is one of the next request.
func (e *emptyLines) readBy(read func([]byte) (int, error), p []byte) (int, error) {
	if len(p) == 1 {
		e.inRequest = false
	}
	for {
		n, err := read(p)
		if e.inRequest || n == 0 {
			return n, err
		}
		if n = e.remove(p[:n]); n > 0 || err != nil {
			return n, err
		}
	}
}

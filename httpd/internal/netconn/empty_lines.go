package netconn

// emptyLines removes the empty lines before the first request of a connection that net/http serves (RFC 9112, 2.2), which
// it refuses. Those before a later request stay: net/http may have read the beginning of that request with the one
// before, and then a line break at the beginning of a read is in the middle of a head. The zero value is ready for use.
type emptyLines struct {
	inRequest bool // something else than an empty line has come
	half      bool // CR has come last
}

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

// readBy reads something else than empty lines by read.
func (e *emptyLines) readBy(read func([]byte) (int, error), p []byte) (int, error) {
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

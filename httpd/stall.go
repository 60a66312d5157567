package httpd

import (
	"net/http"
	"os"
	"time"
)

// streamWriter writes the body of a response, and bounds each wait for its client
// where nothing below does. That is so on the connections of another http.Server,
// and by HTTP/2 everywhere: the wait of a stream is for a window, which the client
// may keep closed while the connection is as lively as can be.
type streamWriter struct {
	w        http.ResponseWriter
	stall    time.Duration // not zero
	step     int           // bytes that the client must take within stall
	deadline time.Time     // zero: none
}

// streamStep is the step of HTTP/2: of a slow line each of a hundred streams has
// little, and half of it costs a quarter more. wholeStep is that of HTTP/1, as much
// as a file is copied by: in halves, 1 MiB by TLS costs 6 % more than by
// http.FileServer.
const (
	streamStep = 32 << 10
	wholeStep  = 64 << 10
)

// Write implements io.Writer.
func (s *streamWriter) Write(p []byte) (written int, err error) {
	for written < len(p) && err == nil {
		begin := time.Now()
		// Each deadline is a message to another goroutine, so it may be late by
		// an eighth.
		if s.deadline.Sub(begin) < s.stall {
			s.setDeadline(begin.Add(s.stall + s.stall/8))
		}
		var n int
		n, err = checkedWrite(s.w, p[written:min(len(p), written+s.step)])
		written += n
		if err != nil && time.Since(begin) >= s.stall {
			err = os.ErrDeadlineExceeded // net/http says only that the stream is closed
		}
	}
	return written, err
}

// rest is called before a wait that is not for the client. s may be nil.
func (s *streamWriter) rest() {
	if s != nil && !s.deadline.IsZero() {
		s.setDeadline(time.Time{})
	}
}

// moved is called when a file has gone past s, by what may have taken the
// deadline away. s may be nil.
func (s *streamWriter) moved() {
	if s != nil {
		s.deadline = time.Time{}
	}
}

// end bounds the wait for what is still in the buffers of net/http. By HTTP/1 the
// last deadline does, which net/http takes away when the response is out.
func (s *streamWriter) end() { s.setDeadline(time.Now().Add(s.stall)) }

func (s *streamWriter) setDeadline(at time.Time) {
	s.deadline = at
	_ = http.NewResponseController(s.w).SetWriteDeadline(at) // fails only where middleware has no Unwrap
}

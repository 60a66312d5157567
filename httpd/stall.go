package httpd

import (
	"net/http"
	"os"
	"time"
)

// stallWriter writes the body of a response, and bounds each wait for its client
// where nothing below does: on the connections of another http.Server, and over HTTP/2
// everywhere. A stream of HTTP/2 waits for a window, which the client may keep closed
// while its other streams move.
type stallWriter struct {
	w        http.ResponseWriter
	stall    time.Duration // not zero
	step     int           // bytes that the client must take within stall
	deadline time.Time     // zero: none
}

// The step of HTTP/2 is small because each of a hundred streams has little of a slow
// line; half of it costs a quarter more. That of HTTP/1 is the size of the buffers by
// which files are copied: with half of it, 1 MiB over TLS costs 6 % more than by
// http.FileServer.
const (
	http2Step = 32 << 10
	http1Step = 64 << 10
)

// Write implements io.Writer.
func (s *stallWriter) Write(p []byte) (written int, err error) {
	for written < len(p) && err == nil {
		begin := time.Now()
		// Setting a deadline is a message to another goroutine, so it may be late by
		// a sixteenth, and is set less often.
		if s.deadline.Sub(begin) < s.stall {
			s.setDeadline(begin.Add(s.stall + s.stall/16))
		}
		var n int
		n, err = checkedWrite(s.w, p[written:min(len(p), written+s.step)])
		written += n
		if err != nil && time.Since(begin) >= s.stall {
			err = os.ErrDeadlineExceeded // the error of net/http is only that the stream is closed
		}
	}
	return written, err
}

// stopClock is called before a wait that is not for the client. s may be nil.
func (s *stallWriter) stopClock() {
	if s != nil && !s.deadline.IsZero() {
		s.setDeadline(time.Time{})
	}
}

// forgetDeadline is called when a file was sent past s, which may have removed the
// deadline. s may be nil.
func (s *stallWriter) forgetDeadline() {
	if s != nil {
		s.deadline = time.Time{}
	}
}

// end bounds the wait for the bytes that are still in the buffers of net/http. With
// HTTP/1 the last deadline does that, which net/http removes when the response is sent.
func (s *stallWriter) end() { s.setDeadline(time.Now().Add(s.stall)) }

func (s *stallWriter) setDeadline(at time.Time) {
	s.deadline = at
	_ = http.NewResponseController(s.w).SetWriteDeadline(at) // fails only where middleware has no Unwrap
}

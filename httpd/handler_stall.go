package httpd

import (
	"context"
	"net/http"
	"os"
	"time"
)

// streamWriter writes the body of a response by HTTP/2, and bounds each wait for
// its client. That of a stream is for a window, which the client may keep closed
// while the connection is as lively as can be; so what bounds the waits of the
// connection does not see it.
type streamWriter struct {
	w        http.ResponseWriter
	stall    time.Duration // not zero
	deadline time.Time     // zero: none
}

// streamStep is how much the client must take within stall. Of a slow line each of
// a hundred streams has little; and half of it costs a quarter more.
const streamStep = 32 << 10

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
		n, err = s.w.Write(p[written:min(len(p), written+streamStep)])
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

// end bounds the wait for what is still in the buffers of net/http.
func (s *streamWriter) end() { s.setDeadline(time.Now().Add(s.stall)) }

func (s *streamWriter) setDeadline(at time.Time) {
	s.deadline = at
	_ = http.NewResponseController(s.w).SetWriteDeadline(at) // cannot fail with HTTP/2
}

// resting is the limits, which have s rest while they have somebody wait.
func (l *limits) resting(s *streamWriter) *limits {
	if l == nil || s == nil {
		return l
	}
	return &limits{throttle: l.throttle, wait: func(ctx context.Context, n int) (int, error) {
		s.rest()
		return l.wait(ctx, n)
	}}
}

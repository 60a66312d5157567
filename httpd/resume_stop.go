package httpd

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// stopWait is how long a request waits for another one that has the same upload. It is a
// variable for the tests.
var stopWait = 10 * time.Second

// stopper ends a request when another one goes on with its upload.
type stopper struct {
	cancel context.CancelFunc
	w      http.ResponseWriter

	mu    sync.Mutex // guards the field below
	ended bool       // the ResponseWriter must not be used any more
}

// newStopper returns the stopper of the request, and makes it end the contexts of ch.
func (ch *change) newStopper() *stopper {
	s := &stopper{w: ch.w}
	ch.stop, s.cancel = context.WithCancel(ch.ctx())
	return s
}

// interrupt ends the wait for bytes, and for limits. Any goroutine may call it.
func (s *stopper) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.cancel()
	_ = http.NewResponseController(s.w).SetReadDeadline(time.Unix(1, 0)) // middleware without Unwrap ends with StallTimeout
}

// end makes interrupt do nothing from now on.
func (s *stopper) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.cancel()
}

package accesslog

import (
	"io"
	"sync"
	"time"
)

const (
	maxDelay = 100 * time.Millisecond // longest wait of a line
	maxBytes = 32 << 10               // of lines that wait
)

// writer collects lines and writes many at a time. Write writes at once.
type writer struct {
	w io.Writer

	mu        sync.Mutex // guards the fields below
	lines     []byte     // that wait
	scheduled bool       // flush will be called
}

// Write writes the lines that wait, and then p, which is one or more whole lines.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, p...)
	return len(p), w.flushLocked()
}

// add lets appendLine append to the lines that wait. Errors of the write are
// dropped: there is no other log to report them to.
func (w *writer) add(appendLine func([]byte) []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = appendLine(w.lines)
	switch {
	case len(w.lines) >= maxBytes:
		_ = w.flushLocked()
	case !w.scheduled:
		w.scheduled = true
		time.AfterFunc(maxDelay, w.flush)
	}
}

// flush writes the lines that wait.
func (w *writer) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scheduled = false
	_ = w.flushLocked()
}

func (w *writer) flushLocked() error {
	if len(w.lines) == 0 {
		return nil
	}
	_, err := w.w.Write(w.lines)
	w.lines = w.lines[:0]
	return err
}

package proc

import (
	"bytes"
	"sync"
)

// tailSize is how many bytes a tail keeps: a screen or two.
const tailSize = 8 << 10

// A tail is a writer that keeps the last bytes.
type tail struct {
	mu  sync.Mutex // guards the fields below
	buf []byte
	cut bool // whether bytes before buf were dropped
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
		t.cut = true
	}
	return len(p), nil
}

// String returns the kept bytes from the first complete line on, if there is one,
// without white space around them.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.buf
	if t.cut {
		if _, after, ok := bytes.Cut(kept, []byte("\n")); ok {
			kept = after
		}
	}
	return string(bytes.TrimSpace(kept))
}

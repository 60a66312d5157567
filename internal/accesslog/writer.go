package accesslog

import (
	"bytes"
	"io"
	"slices"
	"sync"
	"time"
)

const (
	maxDelay = 100 * time.Millisecond // longest wait of a line for others
	maxBytes = 32 << 10               // of lines that wait for others

	// maxQueue is how many bytes of lines wait for a target that is slow: at a hundred
	// thousand requests a second those of half a second. Messages have a reserve, so that
	// the access log leaves room for them.
	maxQueue = 4 << 20
	reserve  = 256 << 10

	maxFlush   = time.Second // longest wait of flush
	keptBuffer = 1 << 20     // larger buffers are kept only as long as they are needed
)

// writer collects lines, and writes many at a time to w. None of its methods waits for w but
// flush: one goroutine at a time writes, as long as there are lines. Lines that find no room, or
// cannot be written, are dropped and counted; lossLine makes the line that says how many, when w
// takes lines again.
type writer struct {
	w        io.Writer
	lossLine func(lines int) []byte

	mu        sync.Mutex // guards the fields below
	lines     []byte     // that wait
	free      []byte     // a buffer for lines
	scheduled bool       // wake will be called
	urgent    bool       // the lines must not wait for others
	busy      bool       // write is running
	flushed   []chan struct{}

	torn    []byte // the rest of a line whose beginning was written
	failed  int    // lines before those that wait that could not be written
	noRoom  int    // lines after those that wait that found no room
	dropped uint64 // both, since the start
}

// batch is what is written at once.
type batch struct {
	text    []byte
	isTorn  bool   // text begins in the middle of a line
	losses  []loss // lines of lossLine in text
	flushed []chan struct{}
}

// loss is a line that says how many lines are missing.
type loss struct{ offset, lines int }

// Write adds a message, which is one or more whole lines, to be written at once, after the lines
// that wait. It never fails.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.admitLocked(append(w.lines, p...), maxQueue+reserve)
	w.urgent = true
	w.startLocked()
	return len(p), nil
}

// add lets appendLine append to the lines that wait.
func (w *writer) add(appendLine func([]byte) []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.admitLocked(appendLine(w.lines), maxQueue)
	if len(w.lines) >= maxBytes {
		w.startLocked()
		return
	}
	w.scheduleLocked()
}

// admitLocked makes lines, which are those that wait and more, the lines that wait, or drops what is
// new if they are more than limit.
func (w *writer) admitLocked(lines []byte, limit int) {
	if before := len(w.lines); len(lines) > limit && len(lines) > before {
		n := bytes.Count(lines[before:], newline)
		w.noRoom += n
		w.dropped += uint64(n)
		lines = lines[:before]
	}
	w.lines = lines
}

var newline = []byte{'\n'}

// scheduleLocked lets the lines wait for others.
func (w *writer) scheduleLocked() {
	if !w.scheduled {
		w.scheduled = true
		time.AfterFunc(maxDelay, w.wake)
	}
}

// wake begins to write the lines that have waited for others.
func (w *writer) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scheduled = false
	if len(w.lines) > 0 {
		w.urgent = true
		w.startLocked()
	}
}

// flush waits until all lines that were added before it are written, or could not be, for maxFlush
// at most.
func (w *writer) flush() {
	done := make(chan struct{})
	w.mu.Lock()
	w.flushed = append(w.flushed, done)
	w.urgent = true
	w.startLocked()
	w.mu.Unlock()
	limit := time.NewTimer(maxFlush)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
	}
}

// losses returns how many lines were dropped.
func (w *writer) losses() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dropped
}

func (w *writer) startLocked() {
	if !w.busy {
		w.busy = true
		go w.write()
	}
}

// write writes lines as long as there are many, or urgent ones.
func (w *writer) write() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.urgent || len(w.lines) >= maxBytes {
		b := w.takeLocked()
		n := len(b.text)
		if n > 0 {
			w.mu.Unlock()
			n, _ = w.w.Write(b.text) // there is no other log for the error
			w.mu.Lock()
		}
		w.wroteLocked(&b, n)
	}
	w.busy = false
	if len(w.lines) > 0 {
		w.scheduleLocked()
	}
}

// takeLocked returns all lines that wait.
func (w *writer) takeLocked() (b batch) {
	b.text, b.flushed = w.lines, w.flushed
	w.lines, w.free = w.free[:0], nil
	w.flushed, w.urgent = nil, false
	if len(w.torn) > 0 || w.failed > 0 {
		head := w.torn
		b.isTorn = len(head) > 0
		if w.failed > 0 {
			b.losses = append(b.losses, loss{len(head), w.failed})
			head = append(head, w.lossLine(w.failed)...)
		}
		b.text = append(head, b.text...)
		w.torn, w.failed = nil, 0
	}
	if w.noRoom > 0 {
		b.losses = append(b.losses, loss{len(b.text), w.noRoom})
		b.text = append(b.text, w.lossLine(w.noRoom)...)
		w.noRoom = 0
	}
	return b
}

// wroteLocked takes note that n bytes of a batch were written. The rest is lost but for the line that
// was begun.
func (w *writer) wroteLocked(b *batch, n int) {
	for _, done := range b.flushed {
		close(done)
	}
	if isWithin := b.isTorn && n == 0 || n > 0 && b.text[n-1] != '\n'; isWithin {
		end := n + bytes.IndexByte(b.text[n:], '\n') + 1
		w.torn = slices.Clone(b.text[n:end])
		n = end
	}
	lines := bytes.Count(b.text[n:], newline)
	for _, l := range b.losses {
		if l.offset >= n {
			lines--
			w.failed += l.lines
		}
	}
	w.failed += lines
	w.dropped += uint64(lines)
	if size := cap(b.text); w.free == nil && (size <= keptBuffer || len(b.text) > size/4) {
		w.free = b.text
	}
}

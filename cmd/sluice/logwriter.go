package main

import (
	"io"
	"sync"
	"time"
)

const (
	logDelay = 100 * time.Millisecond // longest wait of a line
	logBytes = 32 << 10               // of lines that wait
)

// logWriter writes the lines of requests many at a time, because each write
// would cost as much as the answer to a small request. All others it writes at
// once, behind those that wait.
type logWriter struct {
	w io.Writer

	mu    sync.Mutex // guards the fields below
	lines []byte     // that wait
	due   bool       // flush will be called
}

// Write writes one or more whole lines.
func (l *logWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, p...)
	return len(p), l.flushLocked()
}

// add takes what appendLine appends to the lines that wait. Nobody hears of an
// error, as there is no other place to tell of it.
func (l *logWriter) add(appendLine func([]byte) []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = appendLine(l.lines)
	switch {
	case len(l.lines) >= logBytes:
		_ = l.flushLocked()
	case !l.due:
		l.due = true
		time.AfterFunc(logDelay, l.flush)
	}
}

// flush writes the lines that wait.
func (l *logWriter) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due = false
	_ = l.flushLocked()
}

func (l *logWriter) flushLocked() error {
	if len(l.lines) == 0 {
		return nil
	}
	_, err := l.w.Write(l.lines)
	l.lines = l.lines[:0]
	return err
}

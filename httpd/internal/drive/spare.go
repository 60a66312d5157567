package drive

import (
	"os"
	"sync"
	"sync/atomic"

	"sluice/internal/vfs"
)

// Spare holds descriptors for the time when the process has no others: one for each
// connection that is being refused. The zero value has none.
type Spare struct {
	full  atomic.Bool
	mu    sync.Mutex // guards the fields below
	files [8]*os.File
	n     int
}

// Take fills up the spare descriptors. It reports false if the process has no more
// descriptors for that.
func (s *Spare) Take() bool {
	if s.full.Load() {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.n < len(s.files) {
		f, err := openSpare()
		if err != nil {
			return !vfs.IsExhausted(err)
		}
		s.files[s.n] = f
		s.n++
	}
	s.full.Store(true)
	return true
}

// Free closes one and reports whether there was any.
func (s *Spare) Free() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n == 0 {
		return false
	}
	s.full.Store(false)
	s.n--
	_ = s.files[s.n].Close()
	return true
}

// Close closes all.
func (s *Spare) Close() {
	for s.Free() {
	}
}

// openSpare opens a descriptor. In a jail there may be no file that can be opened.
func openSpare() (*os.File, error) {
	f, err := os.Open(devNull)
	if err == nil || vfs.IsExhausted(err) {
		return f, err
	}
	f, w, err := os.Pipe()
	if err == nil {
		_ = w.Close() // nothing was written to it
	}
	return f, err
}

// devNull is a variable for the tests.
var devNull = os.DevNull

// SetDevNull changes the name of the file that spare descriptors are of, for a test, until undo is called.
func SetDevNull(name string) (undo func()) {
	before := devNull
	devNull = name
	return func() { devNull = before }
}

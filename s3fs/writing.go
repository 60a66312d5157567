package s3fs

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"unicode/utf8"
)

const (
	uploadMemory = 256 << 20 // Config.UploadMemory
	maxRename    = 1000      // Config.MaxRename
	maxCopy      = 5 << 30   // bytes that one request copies
	maxKey       = 1024      // bytes
)

// writing is what an FS needs to change its bucket.
type writing struct {
	allowed   bool
	layout    layout
	memory    *memory
	maxRename int
	maxCopy   int64

	noConditions atomic.Bool // the store does not know If-None-Match
	buffers      sync.Pool   // of *[]byte with a capacity of firstSize

	mu     sync.Mutex // guards the field below
	active map[string]*upload
}

func newWriting(c *Config) *writing {
	w := &writing{allowed: c.Writable, maxRename: c.MaxRename, maxCopy: maxCopy, active: make(map[string]*upload)}
	bytes := c.UploadMemory
	if bytes == 0 {
		bytes = uploadMemory
	}
	w.layout = newLayout(c.PartSize, bytes)
	w.memory = newMemory(bytes, w.layout.Most)
	if w.maxRename == 0 {
		w.maxRename = maxRename
	}
	return w
}

// buffer returns an empty one of that capacity.
func (w *writing) buffer(n int64) []byte {
	if n == firstSize {
		if b, ok := w.buffers.Get().(*[]byte); ok {
			return (*b)[:0]
		}
	}
	return make([]byte, 0, n)
}

// recycle takes a buffer back.
func (w *writing) recycle(b []byte) {
	if cap(b) == firstSize {
		w.buffers.Put(&b)
	}
}

// find returns the upload of that name which this process has begun or continued, or nil.
func (w *writing) find(key string) *upload {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.active[key]
}

// add gives u that name, and reports false if another upload has it.
func (w *writing) add(key string, u *upload) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.active[key] != nil {
		return false
	}
	w.active[key] = u
	return true
}

// remove takes the name from u.
func (w *writing) remove(key string, u *upload) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.active[key] == u {
		delete(w.active, key)
	}
}

// refusal says what an object store cannot do. It is [errors.ErrUnsupported].
type refusal string

func (r refusal) Error() string { return string(r) }

// Refusal returns what clients may know: all of it.
func (r refusal) Refusal() string { return string(r) }

// Is makes it errors.ErrUnsupported.
func (refusal) Is(target error) bool {
	return target == errors.ErrUnsupported || target == syscall.EOPNOTSUPP
}

// checkKey returns an error if no object can have the key of a new file or directory.
func checkKey(key string) error {
	switch {
	case len(key) > maxKey:
		return syscall.ENAMETOOLONG
	case !utf8.ValidString(key):
		return syscall.EINVAL
	}
	return nil
}

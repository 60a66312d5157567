package s3fs

import (
	"context"
	"slices"
	"sync"
)

// memory shares a number of bytes among the buffers of uploads. An upload that waits has none of them, and one that has
// some needs no more to send its part, so every wait ends.
type memory struct {
	mu      sync.Mutex // guards the fields below
	free    int64
	waiting []*claim // the first is the next
}

// claim is an upload that waits.
type claim struct {
	n       int64
	granted chan struct{} // closed when it has the bytes
}

// try takes n bytes if they are free and no upload waits.
func (m *memory) try(n int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.waiting) > 0 || m.free < n {
		return false
	}
	m.free -= n
	return true
}

// take waits for n bytes, until ctx ends. The error is that of ctx.
func (m *memory) take(ctx context.Context, n int64) error {
	if m.try(n) {
		return nil
	}
	mine := &claim{n, make(chan struct{})}
	m.mu.Lock()
	m.waiting = append(m.waiting, mine)
	m.grantLocked()
	m.mu.Unlock()
	select {
	case <-mine.granted:
		return nil
	case <-ctx.Done():
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-mine.granted: // meanwhile
		m.free += n
	default:
		m.waiting = slices.DeleteFunc(m.waiting, func(c *claim) bool { return c == mine })
	}
	m.grantLocked()
	return ctx.Err()
}

// give returns n bytes.
func (m *memory) give(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free += n
	m.grantLocked()
}

func (m *memory) grantLocked() {
	for len(m.waiting) > 0 && m.waiting[0].n <= m.free {
		m.free -= m.waiting[0].n
		close(m.waiting[0].granted)
		m.waiting = m.waiting[1:]
	}
}

package s3fs

import (
	"context"
	"slices"
	"sync"
)

// memory shares a number of bytes among the buffers of uploads. An upload takes more as its bytes arrive, up to a part, which
// is sent then, so slow uploads of small files take little. If it has to wait while it has some, those that it waits for may
// wait as well. So there is room to spare for one whole part, of the upload that has waited longest: that one can send its
// part and give all back, and then the next one has the room.
type memory struct {
	mu       sync.Mutex // guards the fields below
	free     int64      // without the spare room
	spare    int64
	hasSpare bool     // nobody has the spare room
	waiting  []*claim // the first is the next
}

// claim is an upload that waits.
type claim struct {
	n       int64
	got     room
	granted chan struct{} // closed when got is set
}

// room is what an upload has of the memory.
type room struct {
	bytes    int64
	hasSpare bool // it has the spare room in addition
}

// newMemory returns a memory of that many bytes, for parts of up to most.
func newMemory(bytes, most int64) *memory {
	return &memory{free: max(bytes-most, 0), spare: most, hasSpare: true}
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

// take waits for n bytes, or the spare room, until ctx ends. The error is that of ctx.
func (m *memory) take(ctx context.Context, n int64) (room, error) {
	mine := &claim{n: n, granted: make(chan struct{})}
	m.mu.Lock()
	m.waiting = append(m.waiting, mine)
	m.grantLocked()
	m.mu.Unlock()
	select {
	case <-mine.granted:
		return mine.got, nil
	case <-ctx.Done():
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting = slices.DeleteFunc(m.waiting, func(c *claim) bool { return c == mine })
	m.giveLocked(mine.got) // granted meanwhile
	return room{}, ctx.Err()
}

// give returns what an upload has.
func (m *memory) give(r room) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.giveLocked(r)
}

func (m *memory) giveLocked(r room) {
	m.free += r.bytes
	m.hasSpare = m.hasSpare || r.hasSpare
	m.grantLocked()
}

func (m *memory) grantLocked() {
	for len(m.waiting) > 0 {
		first := m.waiting[0]
		switch {
		case first.n <= m.free:
			m.free -= first.n
			first.got.bytes = first.n
		case m.hasSpare:
			m.hasSpare, first.got.hasSpare = false, true
		default:
			return
		}
		close(first.granted)
		m.waiting = m.waiting[1:]
	}
}

package digest

import (
	"os"
	"time"
)

// SetNow makes the cache use the clock now.
func (c *Cache) SetNow(now func() time.Time) { c.now = now }

// SetReadAt makes the cache read files by calling f.
func (c *Cache) SetReadAt(f func(f File, p []byte, off int64) (int, error)) { c.readAt = f }

// Idle reports whether the cache has no computation.
func (c *Cache) Idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.computations) == 0 && (c.ownTurns == nil || c.ownTurns.Stats().InUse == 0)
}

// Waiters returns the number of waiting calls for all files.
func (c *Cache) Waiters() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, comp := range c.computations {
		n += comp.waiters
	}
	return n
}

// Block is the number of bytes read at once.
const Block = block

// FindsHoles reports whether the hole at the end of a file is found.
func FindsHoles(f *os.File) bool {
	data, hole := nextHole(f, 1<<30, 1<<40)
	return data == 1<<30 && hole == 1<<40
}

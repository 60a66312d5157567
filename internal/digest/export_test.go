package digest

import (
	"time"
)

// SetNow makes the cache take its time from now.
func (c *Cache) SetNow(now func() time.Time) { c.now = now }

// SetReadAt makes the cache read by f.
func (c *Cache) SetReadAt(f func(f File, p []byte, off int64) (int, error)) { c.readAt = f }

// Idle reports whether nothing is under way.
func (c *Cache) Idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.flights) == 0 && len(c.slots) == 0
}

// Waiters returns how many wait, for all files together.
func (c *Cache) Waiters() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, fl := range c.flights {
		n += fl.waiters
	}
	return n
}

// Block is how much is read at once.
const Block = block

package filecache

import "time"

// SetClock makes now the Cache's clock, before the first call.
func (c *Cache) SetClock(now func() time.Time) { c.now = now }

// Sweep does what the timer does.
func (c *Cache) Sweep() { c.sweep() }

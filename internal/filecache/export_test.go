package filecache

import "time"

// SetClock sets the Cache's clock, before the first call.
func (c *Cache) SetClock(now func() time.Time) { c.now = now }

// Sweep removes entries as the timer does.
func (c *Cache) Sweep() { c.sweep() }

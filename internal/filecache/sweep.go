package filecache

import (
	"sync"
	"time"
)

// sweeper removes entries that were not used for the time of forget. Its timer runs
// only while there are entries.
type sweeper struct {
	mu      sync.Mutex // guards the fields below
	timer   *time.Timer
	running bool
	stopped bool
}

// start makes sure that the timer runs.
func (w *sweeper) start(c *Cache) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.running || w.stopped:
		return
	case w.timer == nil:
		w.timer = time.AfterFunc(forget, func() { w.run(c) })
	default:
		w.timer.Reset(forget)
	}
	w.running = true
}

func (w *sweeper) run(c *Cache) {
	w.mu.Lock()
	w.running = false // before the sweep, so that an entry that is added behind it starts the timer
	w.mu.Unlock()
	if c.sweep() {
		w.start(c)
	}
}

func (w *sweeper) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

// sweep removes the entries that were not used for the time of forget, and reports
// whether others are left.
func (c *Cache) sweep() (left bool) {
	now := c.since(c.now())
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for _, e := range s.entries {
			if e.load == nil && now-time.Duration(e.used.Load()) >= forget {
				s.remove(e)
			}
		}
		left = left || len(s.entries) > 0
		s.unlock()
	}
	return left
}

package rate

import "time"

// Reserve reserves n bytes of l and returns how long a transfer has to wait for them.
func Reserve(l *Limit, n int) time.Duration { return l.reserve(n) }

// Known returns the number of limits that u has.
func Known(u *Users) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.limits)
}

package account

import (
	"sync"
	"time"
)

// hashTimes measures how long hashes take, so that every failure can be answered later
// than any of them. The zero value is ready for use.
type hashTimes struct {
	mu       sync.Mutex // guards the fields below
	work     int        // of the hash that least was measured with; 0: none yet
	least    time.Duration
	worst    time.Duration // at least least; forgets a rare stall slowly
	computed int           // hashes, for tests
}

// matches reports whether password is that of e, and how long a turn that has failed
// must last. work is that of the most expensive hash in use. Only the first call for it
// computes that much for a cheaper hash or none.
func (h *hashTimes) matches(e *entry, password string, work int) (ok bool, turn time.Duration) {
	h.mu.Lock()
	isFirst := h.work < work
	h.mu.Unlock()
	start := time.Now()
	if e.hash.matches(password) {
		return true, 0
	}
	if isFirst {
		derive(password, dummySalt, work-e.hash.work())
	}
	took := time.Since(start)

	h.mu.Lock()
	defer h.mu.Unlock()
	if isFirst && h.work < work {
		h.work, h.least = work, took
	}
	if isFirst || e.hash.kind != noHash {
		h.worst = max(h.worst-h.worst/64, h.least, took)
		h.computed++
	}
	return false, turnTimes * h.worst
}

// turnTimes is how much longer a turn lasts than the slowest hash, because on a busy
// host the next one may be slower.
const turnTimes = 2

// forget makes the next failure measure again, because other hashes are in use.
func (h *hashTimes) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.work, h.least, h.worst = 0, 0, 0
}

// dummySalt is the salt of computations that only take time.
const dummySalt = "as long as others"

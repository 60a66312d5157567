package h1conn

import (
	"sync/atomic"

	"sluice/internal/h1"
)

// CountParses counts the heads that are parsed until undo is called. No other connection
// may be served meanwhile.
func CountParses() (count *atomic.Int32, undo func()) {
	count = new(atomic.Int32)
	parse = func(in string, h *h1.Head) (int, h1.Verdict) {
		count.Add(1)
		return h1.Parse(in, h)
	}
	return count, func() { parse = h1.Parse }
}

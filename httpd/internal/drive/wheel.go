package drive

import (
	"math/bits"
	"time"
)

// wheel holds a due time for each of many connections, by number. To change one that
// becomes later is one store, because its connection is looked at when the earlier time
// comes, and not before. Times are durations since the same moment.
//
// A time that is far away is rounded up by at most a sixteenth, so that many idle
// connections do not wake a loop one by one.
type wheel struct {
	now     int64 // ticks up to which expire has looked
	first   [buckets]int32
	used    [buckets / 64]uint64 // buckets with a connection
	entries []entry
}

// entry is a connection in the wheel. Numbers of connections are one more than they are,
// so that zero is none.
type entry struct {
	due        time.Duration // zero: none
	prev, next int32
	bucket     int32 // one more; zero: not in the wheel
}

const (
	tick    = 10 * time.Millisecond
	buckets = 1024
)

// set sets the due time of connection id; zero is none.
func (w *wheel) set(id int32, due time.Duration) {
	for int(id) >= len(w.entries) {
		w.entries = append(w.entries, entry{})
	}
	e := &w.entries[id]
	e.due = due
	if due == 0 {
		return // what is in a bucket is dropped when its time comes
	}
	at := w.ticksOf(due)
	if e.bucket != 0 {
		if w.ahead(int64(e.bucket-1)) <= at-w.now {
			return
		}
		w.unlink(id)
	}
	w.link(id, at)
}

// forget removes a connection.
func (w *wheel) forget(id int32) {
	if int(id) < len(w.entries) && w.entries[id].bucket != 0 {
		w.unlink(id)
		w.entries[id] = entry{}
	}
}

// ticksOf returns the tick at which a due time is looked at.
func (w *wheel) ticksOf(due time.Duration) int64 {
	at := int64((due + tick - 1) / tick)
	far := at - w.now
	if far < 1 {
		return w.now + 1
	}
	coarse := int64(1) << max(bits.Len64(uint64(far/16))-1, 0)
	at = (at + coarse - 1) / coarse * coarse
	return min(at, w.now+buckets-1)
}

// ahead returns how many ticks from now the bucket comes.
func (w *wheel) ahead(bucket int64) int64 {
	return (bucket-(w.now+1)%buckets+buckets)%buckets + 1
}

func (w *wheel) link(id int32, at int64) {
	b := int32(at % buckets)
	e := &w.entries[id]
	e.bucket, e.prev, e.next = b+1, 0, w.first[b]
	if e.next != 0 {
		w.entries[e.next-1].prev = id + 1
	}
	w.first[b] = id + 1
	w.used[b/64] |= 1 << (b % 64)
}

func (w *wheel) unlink(id int32) {
	e := &w.entries[id]
	b := e.bucket - 1
	if e.next != 0 {
		w.entries[e.next-1].prev = e.prev
	}
	if e.prev != 0 {
		w.entries[e.prev-1].next = e.next
	} else if w.first[b] = e.next; e.next == 0 {
		w.used[b/64] &^= 1 << (b % 64)
	}
	e.bucket, e.prev, e.next = 0, 0, 0
}

// expire removes a connection that is due and returns it; ok is false if there is none.
func (w *wheel) expire(now time.Duration) (id int32, ok bool) {
	last := int64(now / tick)
	if last-w.now > buckets {
		w.now = last - buckets // all buckets are looked at
	}
	for ; w.now <= last; w.now++ {
		b := w.now % buckets
		for w.first[b] != 0 {
			id := w.first[b] - 1
			due := w.entries[id].due
			w.unlink(id)
			switch {
			case due == 0:
			case due <= now:
				w.entries[id].due = 0
				return id, true
			default:
				w.link(id, w.ticksOf(due))
			}
		}
	}
	w.now = last
	return 0, false
}

// next returns how long it takes from now until expire has something to look at; ok is
// false if there is nothing.
func (w *wheel) next(now time.Duration) (wait time.Duration, ok bool) {
	for i := range int64(len(w.used)) + 1 {
		from := w.now + 1 + i*64
		word := w.used[from/64%int64(len(w.used))]
		if i == 0 {
			word &= ^uint64(0) << (from % 64)
		}
		from -= from % 64
		if word != 0 {
			at := from + int64(bits.TrailingZeros64(word))
			return max(time.Duration(at)*tick-now, 0), true
		}
	}
	return 0, false
}

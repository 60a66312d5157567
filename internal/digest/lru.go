package digest

import "container/list"

// lru is a cache of checksums that drops the least recently used one. The zero value is empty.
type lru struct {
	elements map[key]*list.Element // of order
	order    list.List             // of entry, the most recently used one first
}

// entry is a checksum with its key.
type entry struct {
	key key
	sum []byte
}

// get returns the sum, or nil.
func (l *lru) get(k key) []byte {
	e := l.elements[k]
	if e == nil {
		return nil
	}
	l.order.MoveToFront(e)
	return e.Value.(entry).sum
}

// add adds a sum for a key that has none, and drops the least recently used sums beyond limit.
func (l *lru) add(k key, sum []byte, limit int) {
	if l.elements == nil {
		l.elements = make(map[key]*list.Element)
	}
	l.elements[k] = l.order.PushFront(entry{k, sum})
	for len(l.elements) > limit {
		last := l.order.Back()
		l.order.Remove(last)
		delete(l.elements, last.Value.(entry).key)
	}
}

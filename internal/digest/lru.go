package digest

import "container/list"

// lru holds checksums, and drops the one that was not asked for longest. The zero value is empty.
type lru struct {
	elements map[key]*list.Element // whose values are known
	order    list.List             // the last one that was asked for first
}

// known is a checksum and what it belongs to.
type known struct {
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
	return e.Value.(known).sum
}

// add adds a sum that is not there, and drops another when there would be more than limit.
func (l *lru) add(k key, sum []byte, limit int) {
	if l.elements == nil {
		l.elements = make(map[key]*list.Element)
	}
	l.elements[k] = l.order.PushFront(known{k, sum})
	for len(l.elements) > limit {
		last := l.order.Back()
		l.order.Remove(last)
		delete(l.elements, last.Value.(known).key)
	}
}

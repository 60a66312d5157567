package account

import (
	"context"
	"net/netip"
	"slices"
	"sync"
)

// turns lets one client at a time compute a hash. Addresses take turns, so that one
// with many clients does not starve another. The zero value is ready for use.
type turns struct {
	mu      sync.Mutex // guards the fields below
	busy    bool
	current netip.Addr                     // whose turn it is, if busy
	waiting map[netip.Addr][]chan struct{} // closed when it is the client's turn
	order   []netip.Addr                   // those in waiting but current; the first is next
}

// wait waits for the turn of a client at addr, which ends with end. The error is that
// of ctx.
func (t *turns) wait(ctx context.Context, addr netip.Addr) error {
	addr = NetworkOf(addr)
	t.mu.Lock()
	if !t.busy {
		t.busy, t.current = true, addr
		t.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	if t.waiting == nil {
		t.waiting = make(map[netip.Addr][]chan struct{})
	}
	if len(t.waiting[addr]) == 0 && addr != t.current {
		t.order = append(t.order, addr)
	}
	t.waiting[addr] = append(t.waiting[addr], turn)
	t.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	if !t.leave(addr, turn) { // it has become the client's turn meanwhile
		t.end()
	}
	return ctx.Err()
}

// leave takes a client out of the queue; it reports false if it is in none.
func (t *turns) leave(addr netip.Addr, turn chan struct{}) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.waiting[addr], turn)
	if i < 0 {
		return false
	}
	t.waiting[addr] = slices.Delete(t.waiting[addr], i, i+1)
	if len(t.waiting[addr]) == 0 {
		delete(t.waiting, addr)
		t.order = slices.DeleteFunc(t.order, func(a netip.Addr) bool { return a == addr })
	}
	return true
}

// end ends a turn. Its address goes to the end of the order, behind those that have come
// meanwhile, and the first one has its turn.
func (t *turns) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting[t.current]) > 0 {
		t.order = append(t.order, t.current)
	}
	if len(t.order) == 0 {
		t.busy = false
		return
	}
	t.current = t.order[0]
	t.order = t.order[1:]
	close(t.waiting[t.current][0])
	t.waiting[t.current] = t.waiting[t.current][1:]
	if len(t.waiting[t.current]) == 0 {
		delete(t.waiting, t.current)
	}
}

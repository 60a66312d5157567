package budget

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Party is for whom units are taken. A field that is not known, or not bounded, is the zero value.
type Party struct {
	Client  netip.Addr // see account.NetworkOf; the zero value stands for all clients without an address
	Account string     // "" for guests, who have only the bounds of their address
	Mount   string     // the file system that the request waits for

	Waits *Tally // of the request; nil: its waits are counted only by the Pool
}

// String returns the client, and the account that it has logged in to, as in ann@192.0.2.1.
func (p Party) String() string {
	client := "unknown"
	if p.Client.IsValid() {
		client = p.Client.String()
	}
	if p.Account == "" {
		return client
	}
	return p.Account + "@" + client
}

// alone returns the party without its request.
func (p Party) alone() Party {
	p.Waits = nil
	return p
}

// Bounds limit what is taken from a Pool. Zero means no bound of its own; Size must be positive.
type Bounds struct {
	Size       int64 // units in all
	PerClient  int64
	PerAccount int64
	PerMount   int64

	// Reserve is units that are left to clients that have no more than Small with them.
	Reserve, Small int64

	Queue          int // requests that wait; zero: none waits
	QueuePerClient int

	// Free is up to which size a request of Take gets its units although nobody has them: it takes no longer than
	// other requests do, for which nobody has to wait. A request with the size 0 is none of them.
	Free int64
}

// Pool is units of something that clients share. Its methods are safe for concurrent use.
type Pool struct {
	name string

	mu      sync.Mutex // guards the fields below
	bounds  Bounds
	inUse   int64
	clients map[netip.Addr]*client
	mounts  map[string]int64 // units in use
	account map[string]int64
	queue   []*waiter // in order of arrival
	holds   map[*Hold]struct{}
	floor   float64 // the least that a present client has used, see client.used
	stats   Stats
}

// client is what a client uses of a Pool. It is forgotten when nobody is left, or too many are.
type client struct {
	inUse   int64
	waiting int
	used    float64 // units times seconds
}

// maxIdle limits the clients that are remembered while they use nothing.
const maxIdle = 1000

// waiter is a request in the queue.
type waiter struct {
	hold  *Hold
	n     int64
	size  int64
	begun time.Time
	by    Party         // who held most when it began to wait
	ready chan struct{} // closed when it has its units, or is refused

	refused *Refusal // set before ready is closed
}

// NewPool returns a Pool. The name is plural and says what is shared, as in "too many checksums".
func NewPool(name string, b Bounds) *Pool {
	return &Pool{
		name: name, bounds: b,
		clients: make(map[netip.Addr]*client), mounts: make(map[string]int64), account: make(map[string]int64),
		holds: make(map[*Hold]struct{}),
	}
}

// SetBounds changes the bounds. Units that are taken stay taken.
func (p *Pool) SetBounds(b Bounds) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bounds = b
	p.serve()
}

// Largest returns the most units that one request may take, if nobody else has any.
func (p *Pool) Largest() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := &p.bounds
	largest := b.Size
	if b.Reserve > 0 {
		largest = min(max(b.Size-b.Reserve, b.Small), b.Size)
	}
	if b.PerClient > 0 {
		largest = min(largest, b.PerClient)
	}
	return largest
}

// Bound is what a request has met.
type Bound string

// All bounds.
const (
	BoundAll     Bound = "all clients"
	BoundClient  Bound = "one client"
	BoundAccount Bound = "one account"
	BoundMount   Bound = "one file system"
)

// Refusal is the error of a request that got nothing, because there was no place to wait.
type Refusal struct {
	Pool  string
	Bound Bound
	By    Party // who held most
}

func (r *Refusal) Error() string { return fmt.Sprintf("too many %s of %s", r.Pool, r.Bound) }

// IsRefusal reports whether err is a [Refusal]: the client may try again later.
func IsRefusal(err error) bool { return errors.As(err, new(*Refusal)) }

// Hold is units that somebody has. Its methods are not safe for concurrent use, and do nothing with a nil *Hold.
type Hold struct {
	pool   *Pool
	party  Party
	n      int64
	size   int64
	since  time.Time // until when its use is counted
	waited time.Duration
	by     Party
}

// Take waits for n units. The error is a [*Refusal], [ErrTooLong], or that of ctx. The size is how much there is to do with them,
// in any unit: of the requests of a client the smallest comes first. A request within Bounds.Free gets a nil *Hold.
func (p *Pool) Take(ctx context.Context, party Party, n, size int64) (*Hold, error) {
	p.mu.Lock()
	if 0 < size && size <= p.bounds.Free {
		p.mu.Unlock()
		return nil, nil
	}
	h := &Hold{pool: p, party: party, n: n, size: size}
	c := p.arrive(party.Client)
	if !p.anyBefore() && p.fits(h) {
		p.give(h)
		p.mu.Unlock()
		return h, nil
	}
	if r := p.refusal(h, c); r != nil {
		p.refuse(h, r)
		p.depart(party.Client, c)
		p.mu.Unlock()
		return nil, r
	}
	w := p.enqueue(h, c)
	p.mu.Unlock()
	if err := p.await(ctx, w); err != nil {
		return nil, err
	}
	return h, nil
}

// TryTake is Take for a caller that cannot wait: it is refused instead, also if others wait.
func (p *Pool) TryTake(party Party, n int64) (*Hold, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &Hold{pool: p, party: party, n: n}
	c := p.arrive(party.Client)
	if !p.anyBefore() && p.fits(h) {
		p.give(h)
		return h, nil
	}
	r := &Refusal{p.name, p.bound(h), p.largest(h)}
	p.refuse(h, r)
	p.depart(party.Client, c)
	return nil, r
}

// CheckPlace returns a [*Refusal] if Take for one unit would be refused now, and counts it.
func (p *Pool) CheckPlace(party Party) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &Hold{pool: p, party: party, n: 1}
	c := p.clients[party.Client]
	if c == nil {
		c = new(client)
	}
	b := &p.bounds
	switch {
	case !p.anyBefore() && p.fits(h), len(p.queue) < b.Queue && (b.QueuePerClient == 0 || c.waiting < b.QueuePerClient):
		return nil
	case c.waiting == 0 && p.mayEvict() >= 0:
		return nil
	}
	r := &Refusal{p.name, p.bound(h), p.largest(h)}
	p.refuse(h, r)
	return r
}

// Grow takes n more units without waiting. If it fails, the hold has as many as before.
func (h *Hold) Grow(n int64) error {
	if h == nil {
		return nil
	}
	p := h.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	more := &Hold{pool: p, party: h.party, n: n}
	if !p.fits(more) {
		r := &Refusal{p.name, p.bound(more), p.largest(more)}
		p.refuse(h, r)
		return r
	}
	p.count(h)
	h.n += n
	p.add(h.party, n)
	return nil
}

// Shrink gives back all units but n.
func (h *Hold) Shrink(n int64) {
	if h == nil {
		return
	}
	p := h.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.n <= n {
		return
	}
	p.count(h)
	p.add(h.party, n-h.n)
	h.n = n
	p.serve()
}

// Yield lets others have their turn, if they come before this one, and waits for the next. If it fails, with the error
// of ctx, ErrTooLong or a [*Refusal], the units are released.
func (h *Hold) Yield(ctx context.Context) error {
	if h == nil {
		return ctx.Err()
	}
	p := h.pool
	p.mu.Lock()
	if h.n == 0 || !p.anyBefore() {
		p.mu.Unlock()
		return ctx.Err()
	}
	n := h.n
	p.take(h)
	h.n = n
	w := p.enqueue(h, p.arrive(h.party.Client)) // behind the others that are equal
	p.serve()
	p.mu.Unlock()
	return p.await(ctx, w)
}

// Waited returns how long the hold has waited, and for whom: who held most of the units when it last began to wait.
func (h *Hold) Waited() (time.Duration, Party) {
	if h == nil {
		return 0, Party{}
	}
	return h.waited, h.by
}

// Release gives the units back. Later calls do nothing.
func (h *Hold) Release() {
	if h == nil {
		return
	}
	p := h.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.n == 0 {
		return
	}
	p.take(h)
	p.serve()
}

// await waits until w has its units, is refused, or ctx or the patience of the request ends.
func (p *Pool) await(ctx context.Context, w *waiter) error {
	select {
	case <-w.ready:
		return w.result()
	default:
	}
	over, stop := w.hold.party.Waits.patience()
	defer stop()
	var err error
	select {
	case <-w.ready:
		return w.result()
	case <-ctx.Done():
		err = ctx.Err()
	case <-over:
		err = ErrTooLong
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-w.ready: // meanwhile
		if w.refused == nil {
			p.take(w.hold)
		}
	default:
		p.leave(slices.Index(p.queue, w))
		p.drop(w.hold)
	}
	p.serve()
	return err
}

func (w *waiter) result() error {
	if w.refused != nil {
		return w.refused
	}
	return nil
}

// The methods below are for callers that hold mu.

// arrive returns the client at addr.
func (p *Pool) arrive(addr netip.Addr) *client {
	c := p.clients[addr]
	if c == nil {
		c = new(client)
		p.clients[addr] = c
	}
	if c.inUse == 0 && c.waiting == 0 && p.bounds.Queue > 0 { // else nobody is before anybody
		c.used = max(c.used, p.least())
	}
	return c
}

// depart forgets a client that uses nothing, unless it has to be remembered what it has used; and all of them if nobody
// is left.
func (p *Pool) depart(addr netip.Addr, c *client) {
	if c.inUse > 0 || c.waiting > 0 {
		return
	}
	if c.used <= p.floor || len(p.clients) > maxIdle {
		delete(p.clients, addr)
	}
	if len(p.holds) == 0 && len(p.queue) == 0 {
		clear(p.clients)
		p.floor = 0
	}
}

// least returns what the client has used that has used least of those who hold units or wait, and if there are none, or
// they have become fewer, the largest such value before.
func (p *Pool) least() float64 {
	least := math.Inf(1)
	for h := range p.holds {
		p.count(h)
		least = min(least, p.clients[h.party.Client].used)
	}
	for _, w := range p.queue {
		least = min(least, p.clients[w.hold.party.Client].used)
	}
	if !math.IsInf(least, 1) {
		p.floor = max(p.floor, least)
	}
	return p.floor
}

// drop ends a hold that has no units yet.
func (p *Pool) drop(h *Hold) {
	h.n = 0
	p.depart(h.party.Client, p.clients[h.party.Client])
}

// anyBefore reports whether a request waits that a new one must not overtake: not those that have met a bound of their
// own party.
func (p *Pool) anyBefore() bool {
	return slices.ContainsFunc(p.queue, func(w *waiter) bool { return p.ownBound(w.hold) == "" })
}

// fits reports whether the units of h are free.
func (p *Pool) fits(h *Hold) bool { return p.inUse+h.n <= p.bounds.Size && p.ownBound(h) == "" }

// ownBound returns the bound of its own party that h would pass, or BoundAll if it is too large for the reserve, or "".
func (p *Pool) ownBound(h *Hold) Bound {
	b := &p.bounds
	var ofClient int64
	if c := p.clients[h.party.Client]; c != nil {
		ofClient = c.inUse
	}
	switch {
	case b.PerClient > 0 && ofClient+h.n > b.PerClient:
		return BoundClient
	case b.PerAccount > 0 && h.party.Account != "" && p.account[h.party.Account]+h.n > b.PerAccount:
		return BoundAccount
	case b.PerMount > 0 && h.party.Mount != "" && p.mounts[h.party.Mount]+h.n > b.PerMount:
		return BoundMount
	case b.Reserve > 0 && ofClient+h.n > b.Small && p.inUse+h.n > b.Size-b.Reserve:
		return BoundAll
	}
	return ""
}

func (p *Pool) bound(h *Hold) Bound {
	if b := p.ownBound(h); b != "" {
		return b
	}
	return BoundAll
}

// refusal returns why h, which has to wait, may not: it will never fit, or there is no place. A client without a request
// in the queue gets the place of the one with most.
func (p *Pool) refusal(h *Hold, c *client) *Refusal {
	b := &p.bounds
	switch {
	case h.n > b.Size, h.n > b.Small && h.n > b.Size-b.Reserve:
		return &Refusal{p.name, BoundAll, h.party.alone()}
	case b.PerClient > 0 && h.n > b.PerClient, b.QueuePerClient > 0 && c.waiting >= b.QueuePerClient:
		return &Refusal{p.name, BoundClient, h.party.alone()}
	case b.PerAccount > 0 && h.n > b.PerAccount && h.party.Account != "":
		return &Refusal{p.name, BoundAccount, h.party.alone()}
	case b.PerMount > 0 && h.n > b.PerMount && h.party.Mount != "":
		return &Refusal{p.name, BoundMount, h.party.alone()}
	case len(p.queue) >= b.Queue && (c.waiting > 0 || !p.evict()):
		return &Refusal{p.name, p.bound(h), p.largest(h)}
	}
	return nil
}

// refuse counts a refusal.
func (p *Pool) refuse(h *Hold, r *Refusal) {
	p.stats.Refused++
	h.party.Waits.refuse(r)
}

// mayEvict returns the index of the last request of the client with most of them in the queue, or -1 if none has two.
func (p *Pool) mayEvict() int {
	last, most := -1, 1
	for i, w := range p.queue {
		if n := p.clients[w.hold.party.Client].waiting; n > most || n == most && n > 1 {
			last, most = i, n
		}
	}
	return last
}

// evict refuses that request. It reports false if there is none.
func (p *Pool) evict() bool {
	last := p.mayEvict()
	if last < 0 {
		return false
	}
	w := p.queue[last]
	p.leave(last)
	p.drop(w.hold)
	w.refused = &Refusal{p.name, BoundClient, w.hold.party.alone()}
	p.refuse(w.hold, w.refused)
	close(w.ready)
	return true
}

// largest returns the party of the hold with most units among those that h meets at its bound.
func (p *Pool) largest(h *Hold) (by Party) {
	bound, most := p.ownBound(h), int64(0)
	for other := range p.holds {
		switch {
		case bound == BoundClient && other.party.Client != h.party.Client,
			bound == BoundAccount && other.party.Account != h.party.Account,
			bound == BoundMount && other.party.Mount != h.party.Mount:
			continue
		}
		if other.n > most {
			by, most = other.party.alone(), other.n
		}
	}
	return by
}

// enqueue makes h wait.
func (p *Pool) enqueue(h *Hold, c *client) *waiter {
	w := &waiter{hold: h, n: h.n, size: h.size, begun: time.Now(), by: p.largest(h), ready: make(chan struct{})}
	p.queue = append(p.queue, w)
	c.waiting++
	return w
}

// leave takes a request out of the queue.
func (p *Pool) leave(i int) {
	w := p.queue[i]
	p.queue = slices.Delete(p.queue, i, i+1)
	if waited := time.Since(w.begun); waited > 0 {
		w.hold.waited += waited
		w.hold.by = w.by
		p.stats.Waited++
		p.stats.WaitTime += waited
		w.hold.party.Waits.add(Waited{p.name, waited, w.by})
	}
	p.clients[w.hold.party.Client].waiting--
}

// serve gives units to those whose turn it is.
func (p *Pool) serve() {
	for {
		next := -1
		for i, w := range p.queue {
			if p.ownBound(w.hold) == "" && (next < 0 || p.before(w, p.queue[next])) {
				next = i
			}
		}
		if next < 0 || p.inUse+p.queue[next].n > p.bounds.Size {
			return
		}
		w := p.queue[next]
		p.leave(next)
		p.give(w.hold)
		close(w.ready)
	}
}

// before reports whether a comes before b, which came earlier.
func (p *Pool) before(a, b *waiter) bool {
	ca, cb := p.clients[a.hold.party.Client], p.clients[b.hold.party.Client]
	switch {
	case ca == cb:
		return a.size < b.size
	case ca.inUse != cb.inUse:
		return ca.inUse < cb.inUse
	case ca.used != cb.used:
		return ca.used < cb.used
	case a.size != b.size:
		return a.size < b.size
	}
	return ca.waiting < cb.waiting
}

// give gives h its units.
func (p *Pool) give(h *Hold) {
	h.since = time.Now()
	p.holds[h] = struct{}{}
	p.add(h.party, h.n)
}

// take takes its units from h.
func (p *Pool) take(h *Hold) {
	p.count(h)
	p.add(h.party, -h.n)
	h.n = 0
	delete(p.holds, h)
	p.depart(h.party.Client, p.clients[h.party.Client])
}

// count adds to what the client of h has used.
func (p *Pool) count(h *Hold) {
	now := time.Now()
	p.clients[h.party.Client].used += float64(h.n) * now.Sub(h.since).Seconds()
	h.since = now
}

// add changes how many units are in use.
func (p *Pool) add(party Party, n int64) {
	p.inUse += n
	p.stats.Most = max(p.stats.Most, p.inUse)
	p.clients[party.Client].inUse += n
	if party.Account != "" {
		addTo(p.account, party.Account, n)
	}
	if party.Mount != "" {
		addTo(p.mounts, party.Mount, n)
	}
}

func addTo(m map[string]int64, key string, n int64) {
	if m[key] += n; m[key] == 0 {
		delete(m, key)
	}
}

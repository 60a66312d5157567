package account

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

const (
	// MaxFailed is the number of failed logins that bans an address. It is more than
	// one person needs, because many people may share an address.
	MaxFailed = 20

	// maxTracked limits the entries of each table of a Throttle, and so the memory that
	// a flood of addresses or names can take.
	maxTracked = 10_000

	// maxDoublings limits the delay: to 8 s if the first one is 1 s.
	maxDoublings = 3
)

// Throttle counts failed logins by the address of the client (IPv6: its /64 network) and
// by name, and says how long to delay the reply. Servers share one, so that nobody can
// guess by several protocols at a time. The zero value is ready for use; its methods are
// safe for concurrent use.
//
// An address with too many failures is banned until none has been counted for a while.
// Attempts during a ban do not count, so that a program that keeps trying cannot keep
// the ban up for the others there.
//
// Failures with a name, from all addresses together, delay the replies to further
// failures with it, but not to a client from whose address the user has logged in
// before: strangers can neither lock a user out nor slow it down.
type Throttle struct {
	FirstDelay time.Duration // of the reply to the first failure; zero: a second
	Ban        time.Duration // how long failures are remembered; zero: ten minutes

	mu     sync.Mutex // guards the fields below
	byAddr map[netip.Addr]failures
	byName map[uint64]failures
	known  map[origin]struct{} // from where users have logged in

	strangers, acquainted turns // of those who need a hash computed
	hashes                hashTimes
}

// failures are the failed logins of an address or a name.
type failures struct {
	count int       // at least one
	last  time.Time // time of the last one
}

// origin is a user at an address.
type origin struct {
	name uint64 // see nameKey
	addr netip.Addr
}

// nameSeed makes the keys of names unpredictable to clients.
var nameSeed = maphash.MakeSeed()

// nameKey stands for a name in tables, because clients choose names of any length.
func nameKey(name string) uint64 { return maphash.String(nameSeed, name) }

// NetworkOf returns the address by which a client is counted: an IPv4 address, or the /64
// network of an IPv6 address. Package live counts connections by it too.
func NetworkOf(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		prefix, _ := addr.Prefix(64) // 64 is always valid
		return prefix.Addr()
	}
	return addr
}

func (t *Throttle) firstDelay() time.Duration { return orDefault(t.FirstDelay, time.Second) }
func (t *Throttle) ban() time.Duration        { return orDefault(t.Ban, 10*time.Minute) }

func orDefault(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}

// Failed counts a failed login and returns how long to delay the reply. Failures at the
// zero address, which stands for any client of this host, count only for their name.
func (t *Throttle) Failed(name string, addr netip.Addr) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, at := time.Now(), origin{nameKey(name), NetworkOf(addr)}
	if t.byAddr == nil {
		t.byAddr, t.byName = make(map[netip.Addr]failures), make(map[uint64]failures)
	}
	n := 1
	if at.addr.IsValid() {
		n = countFailure(t.byAddr, at.addr, now, t.ban())
	}
	ofName := countFailure(t.byName, at.name, now, t.ban())
	if _, known := t.known[at]; !known {
		n = max(n, ofName)
	}
	return t.firstDelay() << min(n-1, maxDoublings)
}

// countFailure counts a failure of key and returns how many there are.
func countFailure[K comparable](table map[K]failures, key K, now time.Time, ban time.Duration) int {
	f, tracked := table[key]
	if now.Sub(f.last) > ban {
		f = failures{}
	}
	if !tracked {
		makeRoom(table, func(f failures) bool { return now.Sub(f.last) > ban })
	}
	f.count++
	f.last = now
	table[key] = f
	return f.count
}

// makeRoom makes room for one more entry in a table: it removes old entries and, if there
// are none, any.
func makeRoom[K comparable, V any](table map[K]V, isOld func(V) bool) {
	if len(table) < maxTracked {
		return
	}
	for key, v := range table {
		if isOld(v) {
			delete(table, key)
		}
	}
	for key := range table {
		if len(table) < maxTracked {
			return
		}
		delete(table, key)
	}
}

// IsBanned reports whether addr has too many failed logins.
func (t *Throttle) IsBanned(addr netip.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.byAddr[NetworkOf(addr)]
	return f.count >= MaxFailed && time.Since(f.last) <= t.ban()
}

// Succeeded records that a user has logged in from addr.
func (t *Throttle) Succeeded(name string, addr netip.Addr) {
	if !addr.IsValid() {
		return
	}
	at := origin{nameKey(name), NetworkOf(addr)}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.known[at]; known {
		return
	}
	if t.known == nil {
		t.known = make(map[origin]struct{})
	}
	makeRoom(t.known, func(struct{}) bool { return false })
	t.known[at] = struct{}{}
}

// turnsFor returns the queue for a hash: users at an address from which they have logged
// in before do not wait for others.
func (t *Throttle) turnsFor(name string, addr netip.Addr) *turns {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := origin{nameKey(name), NetworkOf(addr)}
	if _, known := t.known[at]; known && t.byAddr[at.addr].count < MaxFailed {
		return &t.acquainted
	}
	return &t.strangers
}

package account

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"sluice/internal/budget"
)

const (
	// MaxFailed is the number of failed logins that bans an address. It is more than
	// one person needs, because many people may share an address.
	MaxFailed = 20

	// A banned address may still try some passwords until the ban ends. A name that has failed there
	// less than maxFailedOfName times is checked as before, up to maxFailedInBan failures of
	// the address. Otherwise a password counts only if its digest is known, which costs no
	// hash: up to maxKnownInBan failures of the address, and for those who have logged in from
	// it before, maxKnownOfName of the name.
	maxFailedOfName = 3
	maxFailedInBan  = 3 * MaxFailed
	maxKnownInBan   = 5 * MaxFailed
	maxKnownOfName  = 50

	// maxTracked limits the entries of each table of a Throttle, and so the memory that
	// a flood of addresses or names can take.
	maxTracked = 10_000

	// maxDoublings limits the delay: to 8 s if the first one is 1 s.
	maxDoublings = 3
)

// Throttle counts failed logins by the address of the client (IPv6: its /64 network), by
// name, and by both, and says how long to delay the reply. Servers share one, so that nobody
// can guess by several protocols at a time. The zero value is ready for use; its methods are
// safe for concurrent use.
//
// An address with too many failures is banned until none has been counted for a while. A ban
// is not for all who are there: Admits says whose password is still checked. Attempts that it
// refuses must not be counted, so that a program that keeps trying cannot keep the ban up for
// the others.
//
// Failures with a name, from all addresses together, delay the replies to further
// failures with it, but not to a client from whose address the user has logged in
// before: strangers can neither lock a user out nor slow it down.
type Throttle struct {
	FirstDelay time.Duration // of the reply to the first failure; zero: a second
	Ban        time.Duration // how long failures are remembered; zero: ten minutes

	mu       sync.Mutex // guards the fields below
	byAddr   map[netip.Addr]failures
	byName   map[uint64]failures
	byOrigin map[origin]failures
	known    map[origin]struct{} // from where users have logged in

	// guesses has the failures of Users.LogIn, also those at addresses of many clients, which
	// are not counted above. They decide who computes a hash first.
	guesses       map[netip.Addr]failures
	guessesOfName map[origin]failures

	turns  turns
	hashes hashTimes
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
	n := 1
	if at.addr.IsValid() {
		n = countFailure(&t.byAddr, at.addr, now, t.ban())
		countFailure(&t.byOrigin, at, now, t.ban())
	}
	ofName := countFailure(&t.byName, at.name, now, t.ban())
	if _, known := t.known[at]; !known {
		n = max(n, ofName)
	}
	return t.firstDelay() << min(n-1, maxDoublings)
}

// guessed counts a failure of Users.LogIn.
func (t *Throttle) guessed(name string, addr netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, at := time.Now(), origin{nameKey(name), NetworkOf(addr)}
	countFailure(&t.guesses, at.addr, now, t.ban())
	countFailure(&t.guessesOfName, at, now, t.ban())
}

// countFailure counts a failure of key and returns how many there are.
func countFailure[K comparable](table *map[K]failures, key K, now time.Time, ban time.Duration) int {
	if *table == nil {
		*table = make(map[K]failures)
	}
	f, tracked := (*table)[key]
	if now.Sub(f.last) > ban {
		f = failures{}
	}
	if !tracked {
		makeRoom(*table, func(f failures) bool { return now.Sub(f.last) > ban })
	}
	f.count++
	f.last = now
	(*table)[key] = f
	return f.count
}

// recent returns how many failures of a table entry are remembered.
func (t *Throttle) recent(f failures) int {
	if time.Since(f.last) > t.ban() {
		return 0
	}
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

// IsBanned reports whether addr has too many failed logins. Admits says whether a login from there
// may still be checked; if that fails, the client gets the reply to a ban, and the failure counts.
func (t *Throttle) IsBanned(addr netip.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.isBannedLocked(NetworkOf(addr))
}

func (t *Throttle) isBannedLocked(addr netip.Addr) bool {
	return addr.IsValid() && t.recent(t.byAddr[addr]) >= MaxFailed
}

// Admits reports whether a login by name from addr may be checked. Unless addr is banned, it may.
func (t *Throttle) Admits(name string, addr netip.Addr) bool {
	return t.admission(name, addr) != notAdmitted
}

// admission says which passwords may be right in a login.
type admission int

const (
	notAdmitted admission = iota
	ifDigestKnown
	admitted
)

// admissionOf is admission for an attempt.
func (t *Throttle) admissionOf(a Attempt) admission {
	if a.ManyClients {
		return admitted
	}
	return t.admission(a.Name, a.Addr)
}

func (t *Throttle) admission(name string, addr netip.Addr) admission {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := origin{nameKey(name), NetworkOf(addr)}
	if !t.isBannedLocked(at.addr) {
		return admitted
	}
	ofAddr, ofName := t.recent(t.byAddr[at.addr]), t.recent(t.byOrigin[at])
	_, known := t.known[at]
	switch {
	case ofName < maxFailedOfName && ofAddr < maxFailedInBan:
		return admitted
	case ofName < maxKnownOfName && (known || ofAddr < maxKnownInBan):
		return ifDigestKnown
	}
	return notAdmitted
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

// Knows reports whether the user has logged in from addr before.
func (t *Throttle) Knows(name string, addr netip.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, known := t.known[origin{nameKey(name), NetworkOf(addr)}]
	return known
}

// turnBounds are those of the turns to check passwords that hashes share with an External.
var (
	turnBounds  = budget.Bounds{Size: 2, PerClient: 1, Queue: 1000, QueuePerClient: 32}
	checkBounds = budget.Bounds{Size: 4, PerClient: 2, Queue: 1000, QueuePerClient: 100}
	ownBounds   = budget.Bounds{Size: 1, Queue: 1000, QueuePerClient: 32}
)

// turns are the Pools of those who need a password checked. Users at an address from which they
// have logged in before do not wait for strangers.
type turns struct {
	strangers  *budget.Pool
	acquainted *budget.Pool
	checks     *budget.Pool // of the acquainted whom an External checks
}

// turnsLocked returns the turns in use.
func (t *Throttle) turnsLocked() *turns {
	if t.turns.acquainted == nil {
		t.turns.acquainted = budget.NewPool("logins", ownBounds)
		t.turns.checks = budget.NewPool("logins", checkBounds)
	}
	if t.turns.strangers == nil {
		t.turns.strangers = budget.New().Logins
	}
	return &t.turns
}

// takeTurn waits until a login may be checked by a hash or an External, and returns the turn, which
// the caller releases. Addresses take turns, those with the fewest wrong passwords first. The error is
// ErrUnavailable if there is no place to wait, or that of ctx.
func (t *Throttle) takeTurn(ctx context.Context, name string, addr netip.Addr, isExternal bool) (*budget.Hold, error) {
	t.mu.Lock()
	all, at := t.turnsLocked(), origin{nameKey(name), NetworkOf(addr)}
	size := int64(t.recent(t.guesses[at.addr]) + t.recent(t.guessesOfName[at]))
	pool := all.strangers
	if _, known := t.known[at]; known && !t.isBannedLocked(at.addr) {
		if pool = all.acquainted; isExternal {
			pool = all.checks
		}
	}
	t.mu.Unlock()
	turn, err := pool.Take(ctx, budget.Party{Client: at.addr}, 1, size)
	if budget.IsRefusal(err) {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return turn, err
}

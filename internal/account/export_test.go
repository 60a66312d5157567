package account

import (
	"context"
	"net/netip"
	"time"

	"sluice/internal/budget"
)

// HoldHashing blocks the computation of hashes for users at new addresses until release
// is called. From then on there is one turn at a time.
func (u *Users) HoldHashing() (release func()) {
	p := u.strangers()
	p.SetBounds(budget.Bounds{Size: 1, Queue: 1000, QueuePerClient: 32})
	hold, err := p.Take(context.Background(), budget.Party{}, 1, 0)
	if err != nil {
		panic(err)
	}
	return hold.Release
}

func (u *Users) strangers() *budget.Pool {
	t := &u.throttle
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.turnsLocked().strangers
}

// SetHashTime pretends that the most expensive hash takes d.
func (u *Users) SetHashTime(d time.Duration) {
	h := &u.throttle.hashes
	h.mu.Lock()
	defer h.mu.Unlock()
	h.work, h.least, h.worst = u.load().work, d, d
}

// Computed returns how many hashes were computed for failed logins.
func (u *Users) Computed() int {
	h := &u.throttle.hashes
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.computed
}

// Waiting returns how many clients at new addresses wait for a hash.
func (u *Users) Waiting() int { return u.strangers().Stats().Waiting }

// Tracked returns the entries of the tables of t.
func (t *Throttle) Tracked() (addrs, names, origins, known int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byAddr), len(t.byName), len(t.byOrigin), len(t.known)
}

const (
	MaxTracked = maxTracked
	TurnTimes  = turnTimes
)

// LoginFrom is LogIn with what most tests need.
func (u *Users) LoginFrom(ctx context.Context, addr netip.Addr, name, password string) (Account, error) {
	return u.LogIn(ctx, Attempt{Name: name, Password: password, Addr: addr})
}

// Login is LoginFrom for a client whose address is not known.
func (u *Users) Login(ctx context.Context, name, password string) (a Account, ok bool) {
	a, err := u.LoginFrom(ctx, netip.Addr{}, name, password)
	return a, err == nil
}

// Recalled returns how many passwords are recognized without an External.
func (u *Users) Recalled() int {
	u.external.mu.Lock()
	defer u.external.mu.Unlock()
	return len(u.external.right)
}

// Found returns how many users of an External are known.
func (u *Users) Found() int {
	u.external.mu.Lock()
	defer u.external.mu.Unlock()
	return len(u.external.last)
}

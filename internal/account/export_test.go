package account

import (
	"context"
	"net/netip"
	"time"
)

// HoldHashing blocks the computation of hashes for users at new addresses until release
// is called.
func (u *Users) HoldHashing() (release func()) {
	if err := u.throttle.strangers.wait(context.Background(), netip.Addr{}); err != nil {
		panic(err)
	}
	return u.throttle.strangers.end
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
func (u *Users) Waiting() (n int) {
	t := &u.throttle.strangers
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, all := range t.waiting {
		n += len(all)
	}
	return n
}

// Tracked returns the entries of the tables of t.
func (t *Throttle) Tracked() (addrs, names, known int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byAddr), len(t.byName), len(t.known)
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

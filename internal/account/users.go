package account

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"
)

// Users is a set of accounts with passwords, and the account for anonymous logins.
// The zero value and a nil *Users have no accounts. Login, Anonymous, Names and
// Replace are safe for concurrent use; the methods that add accounts are not.
type Users struct{ current atomic.Pointer[table] }

// table is the state of Users. Replace exchanges it as a whole.
type table struct {
	entries   map[string]*entry
	anonymous *Account // nil: the default

	guestNetworks []netip.Prefix // of anonymous; none: all
	work          int            // of the most expensive hash, see Hash.work
}

// entry is an account with a digest of its password, or with a hash. After the first
// login it has a digest too, so that further logins are fast.
type entry struct {
	account Account
	hash    Hash // zero if the account was added with a password

	networks []netip.Prefix // from which it may log in; none: all
	digest   atomic.Pointer[digest]
}

// Add adds a user with all rights and no limits.
func (u *Users) Add(name, password string) error {
	return u.AddAccount(Account{Name: name, Rights: All}, password)
}

// AddAccount adds a user with a password. Adding a name twice is an error, so that no
// setting silently overrides another.
func (u *Users) AddAccount(a Account, password string) error {
	if err := checkPassword(password); err != nil {
		return fmt.Errorf("user %s: %w", a.Name, err)
	}
	e := &entry{account: a}
	e.digest.Store(newDigest(password))
	return u.add(e)
}

// AddHash is AddAccount with a hash of the password.
func (u *Users) AddHash(a Account, password Hash) error {
	return u.add(&entry{account: a, hash: password})
}

func (u *Users) add(e *entry) error {
	if err := e.account.check(); err != nil {
		return err
	}
	t := u.table()
	if _, taken := t.entries[e.account.Name]; taken {
		return fmt.Errorf("user %s is given twice", e.account.Name)
	}
	t.entries[e.account.Name] = e
	t.work = max(t.work, e.hash.work())
	u.current.Store(t)
	return nil
}

// SetAnonymous sets the account for anonymous logins. a.Name must be Anonymous, and
// a.Rights at most ReadOnly.
func (u *Users) SetAnonymous(a Account) error {
	switch {
	case a.Name != Anonymous:
		return fmt.Errorf("the account for anonymous logins is called %s, not %s", Anonymous, a.Name)
	case !ReadOnly.Has(a.Rights):
		return fmt.Errorf("user %s may list and read at most", a.Name)
	}
	if err := a.checkBounds(); err != nil {
		return err
	}
	t := u.table()
	t.anonymous = &a
	u.current.Store(t)
	return nil
}

// table returns the present table, or a new one.
func (u *Users) table() *table {
	if t := u.load(); t != nil {
		return t
	}
	return &table{entries: make(map[string]*entry)}
}

// load returns the present table, or nil.
func (u *Users) load() *table {
	if u == nil {
		return nil
	}
	return u.current.Load()
}

// Replace atomically replaces all accounts of u by those of other, for logins from
// now on. Existing sessions do not end. The caller must not change other
// afterwards.
func (u *Users) Replace(other *Users) { u.current.Store(other.load()) }

// Anonymous returns the account for anonymous logins. By default it may list and read
// everything.
func (u *Users) Anonymous() Account {
	if t := u.load(); t != nil && t.anonymous != nil {
		return *t.anonymous
	}
	return Account{Name: Anonymous, Rights: ReadOnly}
}

// Login is LoginFrom for a client whose address is not known. A user who may log in only
// from some networks cannot.
func (u *Users) Login(ctx context.Context, name, password string) (a Account, ok bool) {
	a, err := u.LoginFrom(ctx, netip.Addr{}, name, password)
	return a, err == nil
}

// LoginFrom returns the account of name for a client at addr, if password is right. The
// error is ErrPassword if the name is unknown or the password is wrong, ErrNetwork if
// the user may not log in from addr, whatever the password is, or that of ctx.
//
// If any account has a hash, Login takes as long as the most expensive hash, and
// waits for other calls that compute one. Only a password that was right before is
// recognized at once.
func (u *Users) LoginFrom(ctx context.Context, addr netip.Addr, name, password string) (Account, error) {
	t := u.load()
	if t == nil {
		t = &table{}
	}
	e, known := t.entries[name]
	failure := ErrPassword
	if known && !isIn(e.networks, addr) {
		known, failure = false, ErrNetwork
	}
	if !known {
		e = new(entry) // the same steps as for a known name
	}
	if len(password) > maxPassword {
		password = "" // it is wrong, and must not take longer for that
	}
	if e.digest.Load().matches(password) {
		return e.account, nil
	}
	if t.work == 0 {
		return Account{}, failure
	}
	select {
	case hashSlot <- struct{}{}:
		defer func() { <-hashSlot }()
	case <-ctx.Done():
		return Account{}, ctx.Err()
	}
	if e.digest.Load().matches(password) { // another login of the user has set the digest in the meantime
		return e.account, nil
	}
	if e.hash.matches(password) {
		e.digest.Store(newDigest(password))
		return e.account, nil
	}
	derive(password, dummySalt, t.work-e.hash.work())
	return Account{}, failure
}

// hashSlot is a semaphore for computing one hash at a time, so that clients that guess
// passwords use one processor, and leave the others for transfers.
var hashSlot = make(chan struct{}, 1)

// dummySalt is the salt of computations that only take time.
const dummySalt = "as long as others"

// Names returns the names in alphabetical order.
func (u *Users) Names() []string {
	t := u.load()
	if t == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(t.entries))
}

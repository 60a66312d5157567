package account

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
)

// Users are the accounts, and the bounds of those who have none. The zero
// value and a nil *Users know nobody. Login, Anonymous, Names and Replace may
// be called from any number of goroutines at once; what adds to Users may not:
// fill them before they are shared.
type Users struct{ current atomic.Pointer[table] }

// table is what Replace exchanges.
type table struct {
	entries    map[string]*entry
	anonymous  *Account // nil: the default
	iterations int      // the most that a hash has
}

// entry is an account with what knows its password: a digest, or a hash and,
// once somebody has logged in, a digest as well. So the user's next logins are
// quick.
type entry struct {
	account Account
	hash    Hash // the zero Hash: there was none
	digest  atomic.Pointer[digest]
}

// Add lets name log in with password, with all rights, everywhere.
func (u *Users) Add(name, password string) error {
	return u.AddAccount(Account{Name: name, Rights: All}, password)
}

// AddAccount lets the user of an account log in with password. Adding a name
// twice is an error, so that no setting silently overrides another.
func (u *Users) AddAccount(a Account, password string) error {
	if err := checkPassword(password); err != nil {
		return fmt.Errorf("user %s: %w", a.Name, err)
	}
	e := &entry{account: a}
	e.digest.Store(newDigest(password))
	return u.add(e)
}

// AddHash is AddAccount for a password of which only the hash is known.
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
	t.iterations = max(t.iterations, e.hash.iterations)
	u.current.Store(t)
	return nil
}

// SetAnonymous sets what those may do who log in without an account: a.Name
// is Anonymous, and the rights are at most ReadOnly.
func (u *Users) SetAnonymous(a Account) error {
	switch {
	case a.Name != Anonymous:
		return fmt.Errorf("those without an account are called %s, not %s", Anonymous, a.Name)
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

// table returns the table to add to.
func (u *Users) table() *table {
	if t := u.load(); t != nil {
		return t
	}
	return &table{entries: make(map[string]*entry)}
}

// load returns nil if nobody is known.
func (u *Users) load() *table {
	if u == nil {
		return nil
	}
	return u.current.Load()
}

// Replace makes u know whom other knows, and nobody else: all at once, for
// logins from now on. Who is logged in stays so. The caller leaves other alone
// afterwards.
func (u *Users) Replace(other *Users) { u.current.Store(other.load()) }

// Anonymous returns the account of those who have none: by default they may
// read everything.
func (u *Users) Anonymous() Account {
	if t := u.load(); t != nil && t.anonymous != nil {
		return *t.anonymous
	}
	return Account{Name: Anonymous, Rights: ReadOnly}
}

// Login returns the account that name logs in to with password; ok is false if
// there is none, the password is wrong, or ctx has ended before that was known.
//
// Where there are hashes it takes the time of the dearest one, and waits for
// others that calculate one; only a password that was right since the hash was
// added is known at once.
func (u *Users) Login(ctx context.Context, name, password string) (a Account, ok bool) {
	t := u.load()
	if t == nil {
		t = &table{}
	}
	e, known := t.entries[name]
	if !known {
		e = new(entry) // which costs what a known one does
	}
	if e.digest.Load().fits(password) {
		return e.account, true
	}
	if t.iterations == 0 {
		return Account{}, false
	}
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing }()
	case <-ctx.Done():
		return Account{}, false
	}
	if e.digest.Load().fits(password) { // another connection of the user was first
		return e.account, true
	}
	if e.hash.fits(password) {
		e.digest.Store(newDigest(password))
		return e.account, true
	}
	stretch(password, waste, t.iterations-e.hash.iterations)
	return Account{}, false
}

// hashing is held by who calculates a hash: so all that guess keep one
// processor busy together, and the others are for those who transfer.
var hashing = make(chan struct{}, 1)

// waste is a salt for what is calculated for the time that it takes.
const waste = "as long as others"

// Names returns the names in alphabetical order.
func (u *Users) Names() []string {
	t := u.load()
	if t == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(t.entries))
}

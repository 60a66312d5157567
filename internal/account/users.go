package account

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"sluice/internal/budget"
)

// Users is a set of accounts with passwords, and the account for anonymous logins.
// The zero value and a nil *Users have no accounts. LogIn, Present, Anonymous, Names and
// Replace are safe for concurrent use; the methods that add accounts are not.
type Users struct {
	current  atomic.Pointer[table]
	throttle Throttle
	external *external // nil: none
}

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

// AddAccount adds a user with a password. Adding a name twice is an error, so that no
// setting silently overrides another.
func (u *Users) AddAccount(a Account, password string) error {
	if err := checkPassword(password); err != nil {
		return fmt.Errorf("user %s: %w", a.Name, err)
	}
	a.PasswordID = idOf("password", a.Name, password)
	e := &entry{account: a}
	e.digest.Store(newDigest(password))
	return u.add(e)
}

// AddHash is AddAccount with a hash of the password.
func (u *Users) AddHash(a Account, password Hash) error {
	a.PasswordID = idOf("hash", a.Name, password.String())
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

// guestRights are the rights that anonymous users may have.
const guestRights = ReadOnly | Create

// SetAnonymous sets the account for anonymous logins. a.Name must be Anonymous, and
// its rights at most ReadOnly and Create.
func (u *Users) SetAnonymous(a Account) error {
	switch {
	case a.Name != Anonymous:
		return fmt.Errorf("the account for anonymous logins is called %s, not %s", Anonymous, a.Name)
	case !guestRights.Has(a.Paths.Union(a.Rights)):
		return fmt.Errorf("user %s may list, read and create at most: nobody knows who guests are, so they may not change what others have made", a.Name)
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
// now on. Existing sessions do not end. Users with the same hash as before are still
// recognized at once, and failed logins stay counted. The caller must not change other
// afterwards.
func (u *Users) Replace(other *Users) {
	before, next := u.load(), other.load()
	if before != nil && next != nil {
		for name, e := range next.entries {
			if old := before.entries[name]; old != nil && old.hash == e.hash && e.hash != (Hash{}) {
				e.digest.CompareAndSwap(nil, old.digest.Load())
			}
		}
	}
	if before == nil || next == nil || before.work != next.work {
		u.throttle.hashes.forget()
	}
	u.current.Store(next)
	u.external.forget()
}

// Anonymous returns the account for anonymous logins. By default it may list and read
// everything.
func (u *Users) Anonymous() Account {
	if t := u.load(); t != nil && t.anonymous != nil {
		return *t.anonymous
	}
	return Account{Name: Anonymous, Rights: ReadOnly}
}

// LogIn returns the account of a user, if the password is right. The error is or wraps ErrPassword if
// the name is unknown or the password is wrong, ErrNetwork if the user may not log in from
// a.Addr, whatever the password is, ErrUnavailable, or that of ctx; Reason names it. A user who may
// log in only from some networks cannot from an unknown address.
//
// A password that was right before is recognized at once. Otherwise, if any account has a
// hash, one is computed when it is the turn of the address. Those with the fewest failures come
// first, and users at addresses from which they have logged in before do not wait for others.
// From a banned address few passwords are checked, see Throttle.Admits. A failure is reported when
// a turn is over that lasts longer than the most expensive hash, for an unknown name too; nothing
// is computed for that. The turn also lasts if ctx ends, so that the next client cannot
// learn from it.
//
// Users of u win over those of the External.
func (u *Users) LogIn(ctx context.Context, a Attempt) (Account, error) {
	t := u.load()
	switch {
	case t != nil:
	case u == nil || u.external == nil:
		return Account{}, ErrUnknown
	default:
		t = new(table)
	}
	name, password, addr := a.Name, a.Password, a.Addr
	e, known := t.entries[name]
	if !known && u.external != nil && a.accepts() {
		return u.logInExternally(ctx, t, a)
	}
	failure := ErrWrong
	switch {
	case !known:
		failure = ErrUnknown
	case !isIn(e.networks, addr):
		known, failure = false, ErrNetwork
	}
	if !known {
		e = new(entry) // the same steps as for a known name
	}
	if len(password) > maxPassword {
		password = "" // it is wrong, and must not take longer for that
	}
	admission := u.throttle.admissionOf(a)
	switch isRight := e.digest.Load().matches(password); {
	case isRight && admission != notAdmitted:
		u.throttle.Succeeded(name, addr)
		return e.account, nil
	case admission != admitted:
		return Account{}, ErrBanned
	case t.work == 0 && u.external == nil:
		return Account{}, failure
	}

	hold, err := u.throttle.takeTurn(ctx, name, addr, false)
	if err != nil {
		return Account{}, err
	}
	begun := time.Now()
	ok := e.digest.Load().matches(password) // another login of the user may have set the digest in the meantime
	if !ok && u.throttle.admissionOf(a) != admitted {
		hold.Release()
		return Account{}, ErrBanned // others there have failed in the meantime
	}
	var turn time.Duration
	if !ok {
		if ok, turn = u.throttle.hashes.matches(e, password, t.work); ok {
			e.digest.Store(newDigest(password))
		}
		turn = max(turn, u.external.turnAfter(0))
	}
	if ok {
		hold.Release()
		u.throttle.Succeeded(name, addr)
		return e.account, nil
	}
	u.throttle.guessed(name, addr)
	over := make(chan struct{})
	time.AfterFunc(time.Until(begun.Add(turn)), func() { hold.Release(); close(over) })
	select {
	case <-over:
		return Account{}, failure
	case <-ctx.Done():
		return Account{}, ctx.Err()
	}
}

// ShareTurns makes users wait in p for the computation of hashes. Call it before the first login.
func (u *Users) ShareTurns(p *budget.Pool) { u.throttle.turns.strangers = p }

// Throttle returns what counts the failed logins of these users, for all servers.
func (u *Users) Throttle() *Throttle { return &u.throttle }

// All returns the accounts, and that of anonymous, in no order.
func (u *Users) All() (all []Account) {
	if t := u.load(); t != nil {
		for _, e := range t.entries {
			all = append(all, e.account)
		}
	}
	return append(all, u.Anonymous())
}

// Names returns the names in alphabetical order.
func (u *Users) Names() []string {
	t := u.load()
	if t == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(t.entries))
}

package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Attempt is a login that shall be checked.
type Attempt struct {
	Name     string
	Password string
	Addr     netip.Addr // of the client; invalid: not known
	Protocol string     // such as "ftp"
	TLS      bool

	ManyClients bool // Addr may be that of many clients, so it is never banned
}

// External checks the passwords of users that a set of Users does not have.
type External struct {
	// Check returns the account of a user. The error is ErrPassword if the name is unknown
	// or the password is wrong; all others mean that it could not be checked. An account
	// without a name gets that of the attempt. Check is called by several goroutines at
	// once; ctx does not end when the client leaves.
	Check func(ctx context.Context, a Attempt) (Found, error)

	// Keep is how long a right password is recognized without Check; zero: not at all.
	Keep time.Duration
}

// Found is a user for whom the password of an attempt is right.
type Found struct {
	Account  Account        // without a PasswordID: Users has one for each password
	Networks []netip.Prefix // from which the user may log in; none: all
}

// ErrUnavailable is the error of LogIn if External has failed.
var ErrUnavailable = errors.New("passwords cannot be checked now")

// external is an External in use.
type external struct {
	External

	mu     sync.Mutex // guards the fields below
	right  map[recallKey]recalled
	last   map[presentKey]present
	worst  time.Duration // of recent answers that a password is wrong
	cycles int           // calls of forget
}

// recallKey is all that a Check may depend on, besides the password.
type recallKey struct {
	name, protocol string
	addr           netip.Addr
	tls            bool
}

// recalled is a right password.
type recalled struct {
	password *digest
	account  Account
	until    time.Time
}

// presentKey is a user as one server knows it: Check may answer each differently.
type presentKey struct {
	name, protocol string
	tls            bool
}

// present is the last user that Check has found for a key, with the password of then.
type present struct {
	password *digest
	found    Found
}

const (
	// A failure is reported after twice the time of the slowest External.Check of late, and
	// at least leastCheck. Longer ones than mostCheck show.
	leastCheck = 100 * time.Millisecond
	mostCheck  = 5 * time.Second

	maxName = 255 // bytes of a name that is checked externally
)

// SetExternal makes x check the passwords of users that u does not have, also after Replace.
// Call it before the first login.
//
// Clients at new addresses wait for their turn together with those who need a hash, so
// that strangers keep x busy with two checks at a time, each address with one, and learn
// nothing from the time that a failure takes. Users at addresses from which they have logged in
// before keep it busy with four.
func (u *Users) SetExternal(x External) {
	u.external = &external{External: x}
	u.throttle.mu.Lock()
	defer u.throttle.mu.Unlock()
	u.throttle.turnsLocked().strangers.SetBounds(turnBounds)
}

// Forget forgets all users that the External has found: it checks each of them again, and
// Present knows none.
func (u *Users) Forget() { u.external.forget() }

// accepts reports whether a can be checked: empty passwords mean a login without one to some
// directories.
func (a Attempt) accepts() bool {
	return a.Password != "" && len(a.Password) <= maxPassword && len(a.Name) <= maxName &&
		utf8.ValidString(a.Name) && !strings.ContainsFunc(a.Name, unicode.IsControl) && utf8.ValidString(a.Password) && Account{Name: a.Name}.check() == nil
}

func (a Attempt) presentKey() presentKey { return presentKey{a.Name, a.Protocol, a.TLS} }

func (a Attempt) recallKey() recallKey {
	return recallKey{a.Name, a.Protocol, a.Addr.Unmap().WithZone(""), a.TLS}
}

// logInExternally is LogIn for a user that u does not have. t is the present table.
func (u *Users) logInExternally(ctx context.Context, t *table, a Attempt) (Account, error) {
	x := u.external
	admission := u.throttle.admissionOf(a)
	switch account, ok := x.recall(a); {
	case ok && admission != notAdmitted:
		u.throttle.Succeeded(a.Name, a.Addr)
		return account, nil
	case admission != admitted:
		return Account{}, ErrBanned
	}
	turn, err := u.throttle.takeTurn(ctx, a.Name, a.Addr, true)
	if err != nil {
		return Account{}, err
	}
	if account, ok := x.recall(a); ok { // another login of the user was checked meanwhile
		turn.Release()
		u.throttle.Succeeded(a.Name, a.Addr)
		return account, nil
	}
	if u.throttle.admissionOf(a) != admitted { // others there have failed meanwhile
		turn.Release()
		return Account{}, ErrBanned
	}
	type result struct {
		account Account
		err     error
	}
	over := make(chan result, 1)
	go func() { // ends the turn, also if the client leaves
		account, err := u.checkExternally(context.WithoutCancel(ctx), t, a)
		turn.Release()
		over <- result{account, err}
	}()
	select {
	case r := <-over:
		return r.account, r.err
	case <-ctx.Done():
		return Account{}, ctx.Err()
	}
}

// checkExternally calls Check. If the password is wrong, it returns when the turn is over.
func (u *Users) checkExternally(ctx context.Context, t *table, a Attempt) (Account, error) {
	x := u.external
	cycle := x.cycle()
	begun, failure := time.Now(), ErrPassword
	found, err := x.Check(ctx, a)
	switch {
	case errors.Is(err, ErrPassword):
		x.forgetPassword(a)
	case err != nil:
		return Account{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		if found.Account.Name == "" {
			found.Account.Name = a.Name
		}
		if err := found.Account.check(); err != nil {
			return Account{}, fmt.Errorf("%w: the account for a login: %w", ErrUnavailable, err)
		}
		if _, taken := t.entries[found.Account.Name]; taken {
			return Account{}, fmt.Errorf("%w: the account for a login has the name of the user %s, who has a password here", ErrUnavailable, found.Account.Name)
		}
		account, err := x.remember(a, found, cycle)
		if err == nil {
			u.throttle.Succeeded(a.Name, a.Addr)
			return account, nil
		}
		failure = err
	}
	u.throttle.guessed(a.Name, a.Addr)
	_, turn := u.throttle.hashes.matches(new(entry), a.Password, t.work) // as for an unknown name
	time.Sleep(time.Until(begun.Add(max(turn, x.turnAfter(time.Since(begun))))))
	return Account{}, failure
}

// recall returns the account of a if the same was right before.
func (x *external) recall(a Attempt) (Account, bool) {
	x.mu.Lock()
	r, ok := x.right[a.recallKey()]
	x.mu.Unlock()
	if !ok || !time.Now().Before(r.until) || !r.password.matches(a.Password) {
		return Account{}, false
	}
	return r.account, true
}

// remember makes present and recall return the account that Check has found for a, unless
// the users have changed since cycle. It returns the account, or ErrNetwork.
func (x *external) remember(a Attempt, found Found, cycle int) (Account, error) {
	now, password := time.Now(), newDigest(a.Password)
	x.mu.Lock()
	defer x.mu.Unlock()
	account := &found.Account
	_, _ = rand.Read(account.PasswordID[:]) // never fails, see its documentation
	before, known := x.last[a.presentKey()]
	if known && before.password.matches(a.Password) {
		account.PasswordID = before.found.Account.PasswordID
	}
	if known && before.found.Account.Paths.Equal(account.Paths) {
		account.Paths = before.found.Account.Paths // so that equal accounts are equal
	}
	isAllowed := isIn(found.Networks, a.Addr)
	if x.cycles == cycle {
		if x.last == nil {
			x.last, x.right = make(map[presentKey]present), make(map[recallKey]recalled)
		}
		if !known {
			makeRoom(x.last, func(present) bool { return false })
		}
		x.last[a.presentKey()] = present{password, found}
		if x.Keep > 0 && isAllowed {
			makeRoom(x.right, func(r recalled) bool { return !now.Before(r.until) })
			x.right[a.recallKey()] = recalled{password, *account, now.Add(x.Keep)}
		}
	}
	if !isAllowed {
		return Account{}, ErrNetwork
	}
	return *account, nil
}

// present is Users.Present for users that Check has found. x may be nil.
func (x *external) present(a Attempt) (Account, error) {
	if x == nil {
		return Account{}, ErrPassword
	}
	x.mu.Lock()
	p, known := x.last[a.presentKey()]
	x.mu.Unlock()
	switch {
	case !known:
		return Account{}, ErrPassword
	case !isIn(p.found.Networks, a.Addr):
		return Account{}, ErrNetwork
	}
	return p.found.Account, nil
}

// forgetPassword makes present and recall forget the user of a if the password was right
// before. A stranger who guesses another one changes nothing.
func (x *external) forgetPassword(a Attempt) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p, known := x.last[a.presentKey()]
	if !known || !p.password.matches(a.Password) {
		return
	}
	delete(x.last, a.presentKey())
	for key := range x.right {
		if key.name == a.Name && key.protocol == a.Protocol && key.tls == a.TLS {
			delete(x.right, key)
		}
	}
}

// forget makes recall and present forget everything. x may be nil.
func (x *external) forget() {
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.right)
	clear(x.last)
	x.cycles++
}

func (x *external) cycle() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.cycles
}

// turnAfter returns how long a turn lasts, after a check has taken d; zero: none has. x may
// be nil.
func (x *external) turnAfter(d time.Duration) time.Duration {
	if x == nil {
		return 0
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if d > 0 {
		x.worst = max(x.worst-x.worst/64, d)
	}
	return min(turnTimes*max(x.worst, leastCheck), mostCheck)
}

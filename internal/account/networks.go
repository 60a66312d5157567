package account

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// The reasons for which LogIn fails. Clients must not learn which.
var (
	ErrPassword = errors.New("wrong name or password")
	ErrNetwork  = errors.New("the user may not log in from this address")

	// These wrap ErrPassword. An External does not say which it is.
	ErrUnknown = fmt.Errorf("%w: there is no such user", ErrPassword)
	ErrWrong   = fmt.Errorf("%w: the password is wrong", ErrPassword)
	ErrBanned  = fmt.Errorf("%w: there were too many at the address", ErrPassword)
)

// Reason returns the reason of a failed login as a word for a log.
func Reason(err error) string {
	for _, r := range []struct {
		err  error
		word string
	}{
		{ErrNetwork, "network"}, {ErrBanned, "banned"}, {ErrUnknown, "unknown"}, {ErrWrong, "wrong"},
		{ErrPassword, "wrong or unknown"}, {ErrUnavailable, "unavailable"},
	} {
		if errors.Is(err, r.err) {
			return r.word
		}
	}
	return "other"
}

// Restrict allows logins of a user only from some networks. The name is that of a user
// that was added before, or Anonymous.
func (u *Users) Restrict(name string, networks []netip.Prefix) error {
	t := u.table()
	networks = slices.Clone(networks)
	switch e, known := t.entries[name]; {
	case len(networks) == 0:
		return fmt.Errorf("user %s would have no network to log in from", name)
	case name == Anonymous:
		t.guestNetworks = networks
	case !known:
		return fmt.Errorf("there is no user %s to restrict", name)
	default:
		e.networks = networks
	}
	u.current.Store(t)
	return nil
}

// Present returns the account of a user who has logged in before, for a client at a.Addr;
// a.Password does not count. The error is ErrPassword if there is no such user any more, or
// ErrNetwork.
//
// A user of an External is known after a login by the same protocol until Replace, until the
// External refuses the password that it has accepted, or until there are too many others.
func (u *Users) Present(a Attempt) (Account, error) {
	if u == nil {
		return Account{}, ErrPassword
	}
	var e *entry
	if t := u.load(); t != nil {
		e = t.entries[a.Name]
	}
	switch {
	case e == nil:
		return u.external.present(a)
	case !isIn(e.networks, a.Addr):
		return Account{}, ErrNetwork
	}
	return e.account, nil
}

// GuestMayLogIn reports whether anonymous clients at addr may log in.
func (u *Users) GuestMayLogIn(addr netip.Addr) bool {
	t := u.load()
	return t == nil || isIn(t.guestNetworks, addr)
}

// isIn reports whether addr is in one of the networks. No networks mean all. The
// invalid address, that of a unix socket, is in none.
func isIn(networks []netip.Prefix, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return len(networks) == 0 || slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}

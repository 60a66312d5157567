// Package account knows who may log in.
//
// It keeps salted digests in memory only, so that a heap dump shows no
// password, and answers in the same time whether the name or the password is
// wrong. It defends no stored file against guessing: there is none yet.
package account

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Users are the accounts with a password. The zero value and a nil *Users
// know nobody. Fill it before it is shared: Login may be called from any
// number of goroutines, Add may not.
type Users struct {
	accounts map[string]entry
}

// Account is who a user is, and what it may.
type Account struct {
	Name   string
	Rights Rights

	// Home is the directory that the user sees as the root, by its path in the
	// tree that is served; "" is all of that.
	Home string

	// MaxSessions is how many sessions the user may have at one time; zero is
	// any number.
	MaxSessions int
}

type entry struct {
	account Account
	digest  digest
}

type digest struct {
	salt [16]byte
	sum  [sha256.Size]byte
}

// Add lets name log in with password, with all rights, everywhere.
func (u *Users) Add(name, password string) error {
	return u.AddAccount(Account{Name: name, Rights: All}, password)
}

// AddAccount lets the user of an account log in with password. Adding a name
// twice is an error, so that no setting silently overrides another.
func (u *Users) AddAccount(a Account, password string) error {
	name := a.Name
	switch {
	case name == "":
		return errors.New("a user needs a name")
	case strings.ContainsAny(name, "\r\n\x00/:"):
		return fmt.Errorf("user name %q contains a line break, NUL, slash or colon", name)
	case IsAnonymous(name):
		return fmt.Errorf("user name %q is reserved for logins without a password", name)
	case password == "":
		return fmt.Errorf("user %s needs a password", name)
	case strings.ContainsAny(password, "\r\n\x00"):
		return fmt.Errorf("the password of user %s contains a line break or NUL, which no client can send", name)
	}
	if a.MaxSessions < 0 {
		return fmt.Errorf("user %s may have %d sessions, which is negative", name, a.MaxSessions)
	}
	if _, taken := u.accounts[name]; taken {
		return fmt.Errorf("user %s is given twice", name)
	}
	if u.accounts == nil {
		u.accounts = make(map[string]entry)
	}
	u.accounts[name] = entry{a, newDigest(password)}
	return nil
}

// Login returns the account that name logs in to with password; ok is false if
// there is none, or the password is wrong.
func (u *Users) Login(name, password string) (a Account, ok bool) {
	var known entry
	if u != nil {
		known, ok = u.accounts[name]
	}
	// An unknown name costs a digest too.
	sum := known.digest.of(password)
	if subtle.ConstantTimeCompare(sum[:], known.digest.sum[:]) != 1 || !ok {
		return Account{}, false
	}
	return known.account, true
}

// Names returns the names in alphabetical order.
func (u *Users) Names() []string {
	if u == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(u.accounts))
}

// IsAnonymous reports whether name asks for a login without an account
// (RFC 1635 names both).
func IsAnonymous(name string) bool {
	return strings.EqualFold(name, "anonymous") || strings.EqualFold(name, "ftp")
}

func newDigest(password string) digest {
	var d digest
	_, _ = rand.Read(d.salt[:]) // never fails, see its documentation
	d.sum = d.of(password)
	return d
}

func (d digest) of(password string) [sha256.Size]byte {
	h := sha256.New()
	h.Write(d.salt[:])
	h.Write([]byte(password))
	return [sha256.Size]byte(h.Sum(nil))
}

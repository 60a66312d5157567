// Package account knows who may log in, and what each may do.
//
// It keeps salted digests in memory only, so that a heap dump shows no
// password. What a file keeps is a [Hash], from which a password is expensive
// to guess. A wrong password takes the same time for every name, known or not.
package account

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/afero"
)

// Account says who a user is, and what the user may do. Users of package ftpd
// see it as ftpd.Account.
type Account struct {
	Name   string
	Rights Rights

	// FS is what the user sees. Accounts that Users return have none: the caller
	// of Login sets it.
	FS afero.Fs

	// Home is the path in FS of the directory that the user sees as the root;
	// "" is the root of FS.
	Home string

	// HideDotFiles means that names which begin with a dot, but .well-known, are
	// not there for the user.
	HideDotFiles bool

	// MaxSessions is how many sessions the user may have at one time; zero is
	// any number.
	MaxSessions int

	// MaxRate is how many bytes per second all transfers of the user may take
	// together, each direction for itself; zero is any number.
	MaxRate int64

	// MaxRatePerTransfer is how many bytes per second each of them may take;
	// zero is any number.
	MaxRatePerTransfer int64
}

// Anonymous is the name of the account of those who log in without one.
const Anonymous = "anonymous"

// IsAnonymous reports whether name asks for a login without an account
// (RFC 1635 names both).
func IsAnonymous(name string) bool {
	return strings.EqualFold(name, Anonymous) || strings.EqualFold(name, "ftp")
}

// check reports what is wrong with an account that has a password.
func (a Account) check() error {
	name := a.Name
	switch {
	case name == "":
		return errors.New("a user needs a name")
	case strings.ContainsAny(name, "\r\n\x00/:"):
		return fmt.Errorf("user name %q contains a line break, NUL, slash or colon", name)
	case IsAnonymous(name):
		return fmt.Errorf("user name %q is reserved for logins without a password", name)
	}
	return a.checkBounds()
}

func (a Account) checkBounds() error {
	if a.MaxSessions < 0 {
		return fmt.Errorf("user %s may have %d sessions, which is negative", a.Name, a.MaxSessions)
	}
	for _, rate := range []int64{a.MaxRate, a.MaxRatePerTransfer} {
		if rate < 0 {
			return fmt.Errorf("user %s may take %d bytes per second, which is negative", a.Name, rate)
		}
	}
	return nil
}

func checkPassword(password string) error {
	switch {
	case password == "":
		return errors.New("the password is empty")
	case strings.ContainsAny(password, "\r\n\x00"):
		return errors.New("the password contains a line break or NUL, which no client can send")
	}
	return nil
}

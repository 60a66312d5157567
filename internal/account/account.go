// Package account has the users, their passwords and their rights.
//
// In memory it stores salted digests, so that a heap dump shows no password. Files
// store a [Hash], from which guessing a password is expensive. A wrong password
// takes the same time for every name, known or not. A [Throttle] counts the failures of
// all protocols.
//
// # Design
//
// A new Hash is PBKDF2 (HMAC-SHA-256) with 600,000 iterations, the number that OWASP
// recommends. argon2id would be more expensive to guess on graphics cards, but is
// not in the standard library, and needs 19 MiB or more for each login, which
// strangers can request. The kinds of Apache's htpasswd are read, so that a file can
// be shared with other servers: bcrypt, and apr1 and {SHA}, which are cheap to guess.
// DES of crypt(3) and plain text are refused.
//
// A hash of that kind takes 0.15 s of one processor. After a successful login a digest
// in memory recognizes the password within 1 us, so that ten connections of one client
// need one hash; a reload keeps it if the hash is the same. Otherwise a client waits
// for its turn. All clients that guess passwords together use one processor, and their
// addresses take turns. Users at addresses from which they have logged in before have
// a queue of their own, and so never wait for strangers.
//
// A turn that ends in a failure lasts twice as long as the slowest hash that was
// measured, whatever the name, so its end shows nothing. For a cheap hash or an unknown
// name the rest is slept, not computed. The queue is held for all of the turn, also if
// the client leaves: otherwise the next client, who may be the same person, would see
// how long the hash took. The price is that a user at a new address waits for one turn
// for each address that guesses at the time.
//
// The first failure after a start or a change of hashes computes as much as the most
// expensive one, to measure it.
//
// An [External] checks users that are not here. A right password is remembered for a while by
// a digest and all that the check may depend on, so that Basic costs no check a request. The
// same queue and the same time of a failure hold for it, so that neither shows where a user
// is kept.
//
// Rights belong to each user. Users of a configuration file without rights of their
// own have those of --write. Anonymous users can at most list and read.
package account

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/afero"

	"sluice/internal/quota"
)

// Account is a user with its rights and limits. Package ftpd exports it as
// ftpd.Account.
type Account struct {
	Name   string
	Rights Rights

	// Paths are the rights at some paths below Home, instead of Rights; nil: there are
	// none. NewPaths makes them.
	Paths *Paths

	// FS is the file system of the user. It is nil in accounts from Users; the
	// caller of LogIn sets it.
	FS afero.Fs

	// Home is the path in FS of the user's root directory; "" is the root of FS.
	Home string

	// HideDotFiles hides all files whose name begins with a dot, except
	// .well-known: the user can neither see nor open them.
	HideDotFiles bool

	// MaxSessions limits the concurrent sessions of the user; zero means no limit.
	MaxSessions int

	// MaxRate limits all transfers of the user together, in bytes per second and
	// separately for each direction; zero means no limit.
	MaxRate int64

	// Quota limits the files below Home, as Volume counts them. Without a Volume
	// it has no effect.
	Quota Quota

	// Volume counts the files of FS, and keeps a reserve of its disk; nil: nothing
	// does.
	Volume *quota.Volume

	// MaxRatePerTransfer limits each transfer, in bytes per second; zero means no
	// limit.
	MaxRatePerTransfer int64

	// PasswordID changes with the password: sessions of a login page end then.
	PasswordID PasswordID
}

// Quota is the most that a user may have below its home.
type Quota = quota.Limit

// Anonymous is the name of the account for anonymous logins.
const Anonymous = "anonymous"

// IsAnonymous reports whether name is one of the two names for anonymous logins
// (RFC 1635).
func IsAnonymous(name string) bool {
	return strings.EqualFold(name, Anonymous) || strings.EqualFold(name, "ftp")
}

// check returns an error if a is not a valid account of a user with a password.
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
	if a.Quota.Bytes < 0 || a.Quota.Files < 0 {
		return fmt.Errorf("user %s has a negative quota", a.Name)
	}
	for _, rate := range []int64{a.MaxRate, a.MaxRatePerTransfer} {
		if rate < 0 {
			return fmt.Errorf("user %s may take %d bytes per second, which is negative", a.Name, rate)
		}
	}
	return nil
}

package account

import "crypto/sha256"

// PasswordID identifies a password of a user: the same at each start, and another if the
// password, or its stored hash, is another. It helps to guess the password and is as
// secret as its hash. The zero value is that of an account without a password.
type PasswordID [sha256.Size]byte

// String shows nothing, so that no message contains it by accident.
func (PasswordID) String() string { return "***" }

func idOf(kind, name, secret string) PasswordID {
	return sha256.Sum256([]byte("sluice " + kind + "\x00" + name + "\x00" + secret))
}

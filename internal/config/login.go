package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Login is a name and its password.
type Login struct {
	Name, Password string
	MadeUp         bool // the password is to be printed: the operator does not know it
}

// String hides the password, so that no message contains it by accident.
func (l Login) String() string { return l.Name + ":***" }

// ParseLogin parses NAME:PASSWORD, or NAME, for which it makes up a password. A
// password may contain colons.
func ParseLogin(s string) (Login, error) {
	name, password, ok := strings.Cut(s, ":")
	switch {
	case name == "":
		return Login{}, errors.New("the name is empty")
	case !ok:
		return Login{Name: name, Password: newPassword(), MadeUp: true}, nil
	case password == "":
		return Login{}, fmt.Errorf("the password of %s after the colon is empty; without the colon, one is made up and printed", name)
	}
	return Login{Name: name, Password: password}, nil
}

// newPassword makes up a password of 80 random bits, in groups that are easy to type.
func newPassword() string {
	t := strings.ToLower(rand.Text())
	return strings.Join([]string{t[:4], t[4:8], t[8:12], t[12:16]}, "-")
}

// loginPrefix is the prefix of environment variables with logins.
const loginPrefix = "SLUICE_USER_"

// LoginsFrom returns the logins in an environment like os.Environ's, sorted by name:
// SLUICE_USER_alice=secret is the user alice.
func LoginsFrom(environ []string) ([]Login, error) {
	var logins []Login
	for _, variable := range environ {
		name, password, _ := strings.Cut(variable, "=")
		name, ok := strings.CutPrefix(name, loginPrefix)
		switch {
		case !ok:
			continue
		case name == "":
			return nil, fmt.Errorf("the variable %s lacks a user name after its prefix", loginPrefix)
		case password == "":
			return nil, fmt.Errorf("the variable %s%s holds no password", loginPrefix, name)
		}
		logins = append(logins, Login{Name: name, Password: password})
	}
	slices.SortFunc(logins, func(a, b Login) int { return strings.Compare(a.Name, b.Name) })
	return logins, nil
}

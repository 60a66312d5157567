package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Login is a name and its password.
type Login struct{ Name, Password string }

// String hides the password, so that no message contains it by accident.
func (l Login) String() string { return l.Name + ":***" }

// ParseLogin parses NAME:PASSWORD. The password may contain colons.
func ParseLogin(s string) (Login, error) {
	name, password, ok := strings.Cut(s, ":")
	switch {
	case !ok:
		// s may be a password without a name: do not repeat it.
		return Login{}, errors.New("there is no colon between name and password")
	case name == "":
		return Login{}, errors.New("the name before the colon is empty")
	case password == "":
		return Login{}, fmt.Errorf("the password of %s after the colon is empty", name)
	}
	return Login{name, password}, nil
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
		logins = append(logins, Login{name, password})
	}
	slices.SortFunc(logins, func(a, b Login) int { return strings.Compare(a.Name, b.Name) })
	return logins, nil
}

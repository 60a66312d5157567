package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Login is a name and its password.
type Login struct{ Name, Password string }

// String hides the password, so that none gets into a message by accident.
func (l Login) String() string { return l.Name + ":***" }

// ParseLogin parses NAME:PASSWORD. The password may contain colons.
func ParseLogin(s string) (Login, error) {
	name, password, ok := strings.Cut(s, ":")
	switch {
	case !ok:
		// s may be a password whose name was forgotten: do not repeat it.
		return Login{}, errors.New("there is no colon between name and password")
	case name == "":
		return Login{}, errors.New("the name before the colon is empty")
	case password == "":
		return Login{}, fmt.Errorf("the password of %s after the colon is empty", name)
	}
	return Login{name, password}, nil
}

// loginPrefix begins the environment variables that are logins.
const loginPrefix = "SLUICE_USER_"

// LoginsFrom returns the logins in an environment like that of os.Environ:
// SLUICE_USER_alice=secret is the user alice. They are sorted by name.
func LoginsFrom(environ []string) ([]Login, error) {
	var logins []Login
	for _, variable := range environ {
		name, password, _ := strings.Cut(variable, "=")
		name, ok := strings.CutPrefix(name, loginPrefix)
		switch {
		case !ok:
			continue
		case name == "":
			return nil, fmt.Errorf("the variable %s lacks the user's name at its end", loginPrefix)
		case password == "":
			return nil, fmt.Errorf("the variable %s%s holds no password", loginPrefix, name)
		}
		logins = append(logins, Login{name, password})
	}
	slices.SortFunc(logins, func(a, b Login) int { return strings.Compare(a.Name, b.Name) })
	return logins, nil
}

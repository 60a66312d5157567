// Package config is what sluice can be told: one struct, its defaults, and
// where its values come from besides flags.
package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Config is all that "sluice serve" can be told.
type Config struct {
	Root string // directory to serve

	HTTP string // address to serve HTTP on, as of net.Listen; "": no HTTP
	FTP  string // address to serve FTP on; "": no FTP

	Logins    []Login // who may log in by password
	Anonymous bool    // whether FTP clients may log in without one
	Write     bool    // whether those with a login may change files

	Road  string        // road of file data: "auto" or "copy"
	Drain time.Duration // how long transfers may go on after the signal to stop
}

// Default returns what holds where nothing else is said.
func Default() Config {
	return Config{
		Root:      ".",
		HTTP:      ":8080",
		FTP:       ":2121",
		Anonymous: true,
		Road:      "auto",
		Drain:     30 * time.Second,
	}
}

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

// Check reports the first thing in c that makes no sense, in the words of the
// flags.
func (c Config) Check() error {
	switch {
	case c.Root == "":
		return errors.New("the directory to serve has an empty name")
	case c.HTTP == "" && c.FTP == "":
		return errors.New("nothing to serve: both --http and --ftp are switched off")
	case c.Road != "auto" && c.Road != "copy":
		return fmt.Errorf("--road %q is neither auto nor copy", c.Road)
	case c.Drain < 0:
		return fmt.Errorf("--drain %v is negative", c.Drain)
	case c.Write && len(c.Logins) == 0:
		return errors.New("--write lets nobody write without a --user NAME:PASSWORD")
	}
	return nil
}

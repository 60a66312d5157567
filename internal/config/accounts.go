package config

import (
	"fmt"

	"sluice/internal/account"
)

// NewUsers returns the users that may log in, and the bounds of anonymous. Users
// without rights of their own have those of --write. The error is a UsageError.
func (c Config) NewUsers() (*account.Users, error) {
	users := new(account.Users)
	rights := account.ReadOnly
	if c.Write {
		rights = account.All
	}
	for _, login := range c.Logins {
		if err := users.AddAccount(account.Account{Name: login.Name, Rights: rights}, login.Password); err != nil {
			return nil, UsageError{fmt.Errorf("%w; see --user", err)}
		}
	}
	for _, user := range c.Users {
		if err := addUser(users, user, rights); err != nil {
			return nil, UsageError{fmt.Errorf("%w; see [user.%s] in %s, and --user", err, user.Account.Name, c.File)}
		}
	}
	return users, nil
}

// addUser adds a user of the file, with the default rights if the file gives none.
func addUser(users *account.Users, user User, defaults account.Rights) error {
	a := user.Account
	if a.Name == account.Anonymous {
		if !user.HasRights {
			a.Rights = account.ReadOnly
		}
		return users.SetAnonymous(a)
	}
	if !user.HasRights {
		a.Rights = defaults
	}
	return users.AddHash(a, user.Password)
}

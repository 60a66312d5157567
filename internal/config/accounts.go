package config

import (
	"fmt"

	"sluice/internal/account"
)

// NewUsers returns the users that may log in, and the bounds of anonymous. Users
// without rights of their own have those of --write. The error is a UsageError.
func (c Config) NewUsers() (*account.Users, error) {
	users := new(account.Users)
	for _, login := range c.Logins {
		if err := users.AddAccount(account.Account{Name: login.Name, Rights: c.defaultRights(), Quota: c.quotaOf(User{})}, login.Password); err != nil {
			return nil, UsageError{fmt.Errorf("%w; see --user", err)}
		}
	}
	passwords := make(map[string]account.NamedHash)
	for _, p := range c.Passwords {
		passwords[p.Name] = p
	}
	for _, user := range c.Users {
		name := user.Account.Name
		if p, ok := passwords[name]; ok {
			if !user.lacksPassword() {
				return nil, UsageError{c.passwordError(p, fmt.Errorf("user %s has a password here and in [user.%s] of %s; remove one of them", name, name, c.File))}
			}
			user.Password = p.Hash
		}
		if user.lacksPassword() {
			continue // nobody can log in, see CannotLogIn
		}
		if err := c.addUser(users, user); err != nil {
			return nil, UsageError{fmt.Errorf("%w; see [user.%s] in %s, and --user", err, name, c.File)}
		}
	}
	for _, p := range c.PasswordsOnly() {
		if err := c.addUser(users, User{Account: account.Account{Name: p.Name}, Password: p.Hash}); err != nil {
			return nil, UsageError{c.passwordError(p, fmt.Errorf("%w; see --user", err))}
		}
	}
	return users, nil
}

// addUser adds a user, with the default rights if the file gives none.
func (c Config) addUser(users *account.Users, user User) error {
	a := user.Account
	a.Quota = c.quotaOf(user)
	var err error
	switch {
	case a.Name == account.Anonymous:
		if !user.HasRights {
			a.Rights = account.ReadOnly
		}
		err = users.SetAnonymous(a)
	default:
		if !user.HasRights {
			a.Rights = c.defaultRights()
		}
		err = users.AddHash(a, user.Password)
	}
	if err == nil && len(user.Networks) > 0 {
		err = users.Restrict(a.Name, user.Networks)
	}
	return err
}

// defaultRights are those of users for whom the file gives none.
func (c Config) defaultRights() account.Rights {
	if c.Write {
		return account.All
	}
	return account.ReadOnly
}

// PasswordsOnly returns the users of UsersFile that have no table in File.
func (c Config) PasswordsOnly() (only []account.NamedHash) {
	tables := make(map[string]bool)
	for _, u := range c.Users {
		tables[u.Account.Name] = true
	}
	for _, p := range c.Passwords {
		if !tables[p.Name] {
			only = append(only, p)
		}
	}
	return only
}

// CannotLogIn returns the names of users in File without a password.
func (c Config) CannotLogIn() (names []string) {
	has := make(map[string]bool)
	for _, p := range c.Passwords {
		has[p.Name] = true
	}
	for _, u := range c.Users {
		if u.lacksPassword() && !has[u.Account.Name] {
			names = append(names, u.Account.Name)
		}
	}
	return names
}

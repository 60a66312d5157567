package config

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"sluice/internal/account"
)

// User is a user of the file, or anonymous with its bounds.
type User struct {
	Account  account.Account // Rights are valid only if HasRights
	Password account.Hash    // zero for anonymous, and if Config.UsersFile has it

	HasRights bool // the file gives rights; else the default ones apply

	HasQuota, HasQuotaFiles, HasMaxFileSize bool // the file gives them; else those of all users apply

	Networks []netip.Prefix // from which the user may log in; none: all
}

// usersKey is the table with the tables of users.
const usersKey = "user"

// passwordKey is the key of the password hash. No message repeats its value.
const passwordKey = "password"

// userKeys are the keys of a user.
var userKeys = []struct {
	key string
	set func(u *User, value any) error
}{
	{passwordKey, (*User).setPassword},
	{"home", (*User).setHome},
	{"rights", (*User).setRights},
	{"max-sessions", (*User).setMaxSessions},
	{"max-rate", (*User).setMaxRate},
	{"quota", (*User).setQuota},
	{"quota-files", (*User).setQuotaFiles},
	{"max-file-size", (*User).setMaxFileSize},
	{"networks", (*User).setNetworks},
}

// users parses the table of users.
func (d *document) users(value toml.Primitive) ([]User, error) {
	tables, ok := d.table(value)
	if !ok {
		return nil, &FileError{Line: d.line(value), Key: usersKey, Err: fmt.Errorf("write users as [%s.NAME], with a hash that \"sluice passwd\" makes as their %s", usersKey, passwordKey)}
	}
	var all []User
	for _, name := range d.keysIn(toml.Key{usersKey}) {
		u, err := d.user(name, tables[name])
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, nil
}

// user parses the table of one user.
func (d *document) user(name string, value toml.Primitive) (User, error) {
	at := toml.Key{usersKey, name}
	u := User{Account: account.Account{Name: name}}
	fail := func(value toml.Primitive, key toml.Key, err error) (User, error) {
		return u, &FileError{Line: d.line(value), Key: key.String(), Err: err}
	}
	values, ok := d.table(value)
	if !ok {
		return fail(value, at, fmt.Errorf("write it as a table, [%v]", at))
	}
	for _, key := range d.keysIn(at) {
		if key == pathKey {
			if err := d.userPaths(&u, append(at, key), values[key]); err != nil {
				return u, err
			}
			continue
		}
		if err := u.set(key, d.value(values[key])); err != nil {
			return fail(values[key], append(at, key), err)
		}
	}
	if err := u.check(); err != nil {
		return fail(value, at, err)
	}
	if rights, ok := values["rights"]; ok && u.Account.Paths != nil && namesLink(d.value(rights)) {
		return fail(rights, append(at, "rights"), errLinkAndPaths)
	}
	if u.lacksPassword() && d.incomplete == nil { // for the first only: line scans the file
		d.incomplete = &FileError{Line: d.line(value), Key: at.String(), Err: fmt.Errorf("the user has no %s; make one with \"sluice passwd\", or name a file of passwords by --users", passwordKey)}
	}
	return u, nil
}

// check checks the keys together.
func (u *User) check() error {
	var users account.Users
	switch {
	case u.Account.Name == account.Anonymous && u.Password != account.Hash{}:
		return errors.New("anonymous logs in without a password; leave it out")
	case u.Account.Name == account.Anonymous:
		return users.SetAnonymous(u.Account)
	}
	return users.AddHash(u.Account, u.Password)
}

// lacksPassword reports whether u cannot log in unless Config.UsersFile has a password.
func (u *User) lacksPassword() bool {
	return u.Account.Name != account.Anonymous && u.Password == account.Hash{}
}

func (u *User) set(key string, value any) error {
	var known []string
	for _, k := range userKeys {
		if k.key == key {
			return k.set(u, value)
		}
		known = append(known, k.key)
	}
	known = append(known, pathKey)
	return fmt.Errorf("unknown key; the keys of a user are %s; keys of the server must be above the first table", strings.Join(known, ", "))
}

func (u *User) setPassword(value any) error {
	text, _ := value.(string)
	hash, err := account.ParseHash(text)
	if err != nil {
		return fmt.Errorf("%w; make one with \"sluice passwd\"", err)
	}
	u.Password = hash
	return nil
}

// setHome accepts a path in the served directory, with or without a leading slash.
func (u *User) setHome(value any) error {
	home, ok := value.(string)
	if !ok || home == "" || strings.Contains(home, "\x00") {
		return errors.New(`write it as a path in the served directory, such as "/alice"`)
	}
	if home = path.Clean("/" + home); home != "/" {
		u.Account.Home = home
	}
	return nil
}

func (u *User) setRights(value any) (err error) {
	list, ok := value.([]any)
	if !ok {
		return errors.New(`write it as a list, such as ["list", "read"]`)
	}
	words, err := stringsOf(list)
	if err != nil {
		return err
	}
	u.HasRights = true
	u.Account.Rights, err = account.ParseRights(words)
	return err
}

// namesLink reports whether a list of rights has the right "link", and not only "all".
func namesLink(rights any) bool {
	words, _ := rights.([]any)
	return slices.Contains(words, any("link"))
}

func (u *User) setMaxSessions(value any) error {
	n, ok := value.(int64)
	if !ok || n < 0 || n > math.MaxInt32 {
		return errors.New("write it as a number of sessions, such as 2; 0: no limit")
	}
	u.Account.MaxSessions = int(n)
	return nil
}

func (u *User) setMaxRate(value any) error {
	var rate Bytes
	if err := rate.Set(fmt.Sprint(value)); err != nil { // whole numbers too
		return errors.New(`write it as a number of bytes per second, such as "1MiB" or 1500; 0: no limit`)
	}
	u.Account.MaxRate = int64(rate)
	return nil
}

func (u *User) setNetworks(value any) error {
	const example = `write it as a list of networks and addresses, such as ["192.168.0.0/16", "::1"]`
	list, ok := value.([]any)
	if !ok {
		return errors.New(example)
	}
	words, err := stringsOf(list)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return errors.New("the list is empty, so that nobody could log in; leave the key out to allow all networks")
	}
	for _, word := range words {
		p, err := ParsePrefix(word)
		if err != nil {
			return fmt.Errorf("%q is no network; %s", word, example)
		}
		u.Networks = append(u.Networks, p)
	}
	return nil
}

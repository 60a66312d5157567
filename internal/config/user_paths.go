package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/BurntSushi/toml"

	"sluice/internal/account"
)

// pathKey is the key of the tables with the rights of a user at paths.
const pathKey = "path"

var errLinkAndPaths = errors.New(`the right "link" and rights by path exclude each other, because a link could lead from one path to another; leave one of them out`)

// userPaths parses the tables [[user.NAME.path]] of u.
func (d *document) userPaths(u *User, at toml.Key, value toml.Primitive) error {
	var tables []toml.Primitive
	if _, ok := d.value(value).([]map[string]any); !ok || d.meta.PrimitiveDecode(value, &tables) != nil {
		return &FileError{Line: d.line(value), Key: at.String(), Err: fmt.Errorf(`write it as tables, each [[%v]] with path = "/incoming" and rights = ["create"]`, at)}
	}
	for _, table := range tables {
		values, _ := d.value(table).(map[string]any)
		if err := u.addPath(values); err != nil {
			return &FileError{Line: d.line(table), Key: at.String(), Err: err}
		}
	}
	return nil
}

// addPath adds the rights of one table.
func (u *User) addPath(values map[string]any) error {
	one, err := pathRights(values)
	if err != nil {
		return err
	}
	u.Account.Paths, err = account.NewPaths(append(u.Account.Paths.All(), one)...)
	return err
}

// pathRights parses the values of one table.
func pathRights(values map[string]any) (at account.PathRights, err error) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if key != "path" && key != "rights" {
			return at, fmt.Errorf("unknown key %s; the keys are path and rights", key)
		}
	}
	name, ok := values["path"].(string)
	if !ok {
		return at, errors.New(`a path is missing: write path = "/incoming", a path below the home of the user`)
	}
	if name == "/" {
		return at, errors.New("the rights at / are those of the user: write them as its rights, above the paths")
	}
	list, ok := values["rights"].([]any)
	if !ok {
		return at, fmt.Errorf("the rights at %q are missing: write them as a list, such as [\"create\"]; [] is none", name)
	}
	words, err := stringsOf(list)
	if err != nil {
		return at, err
	}
	if slices.Contains(words, "link") {
		return at, errLinkAndPaths
	}
	at.Path = name
	at.Rights, err = account.ParseRights(words)
	return at, err
}

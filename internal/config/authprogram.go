package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"sluice/internal/account"
)

// AuthProgram is a program that checks the passwords of users that are in no file.
type AuthProgram struct {
	Path    string        // "": none
	Args    []string      // of the program
	RunAs   string        // USER[:GROUP]; "": the user of the server
	Timeout time.Duration // after which a check is given up
	Cache   time.Duration // how long a right password needs no check; 0: none
}

func (c Config) checkAuthProgram() error {
	p, d := c.AuthProgram, Default().AuthProgram
	switch {
	case p.Path == "" && (len(p.Args) > 0 || p.RunAs != "" || p.Timeout != d.Timeout || p.Cache != d.Cache):
		return errors.New("--auth-program names no program, so the other flags that begin with --auth are of no use")
	case p.Timeout <= 0:
		return fmt.Errorf("--auth-timeout %v is not above zero", p.Timeout)
	case p.Timeout > maxAuthTimeout:
		return fmt.Errorf("--auth-timeout %v is longer than %v, for which a client would not wait", p.Timeout, maxAuthTimeout)
	case p.Cache < 0:
		return fmt.Errorf("--auth-cache %v is negative", p.Cache)
	}
	return nil
}

const maxAuthTimeout = time.Minute

// The keys of an answer besides those of a user.
const (
	answerOK   = "ok"
	answerName = "name"
)

// ParseAnswer parses the answer of the AuthProgram to a login: a JSON object with "ok" and
// the keys of a user in File but the password, which mean the same there. Users without
// "rights" have those of --write, and without --write none may change files. ok is false
// if the password is wrong.
func (c Config) ParseAnswer(answer []byte) (u User, ok bool, err error) {
	values, err := decodeAnswer(answer)
	if err != nil {
		return User{}, false, err
	}
	ok, isBool := values[answerOK].(bool)
	if !isBool {
		return User{}, false, fmt.Errorf("the answer lacks %q: true or false", answerOK)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if key == answerOK {
			continue
		}
		if key == passwordKey || key != answerName && key != pathKey && !isUserKey(key) {
			return User{}, false, fmt.Errorf("the answer has the unknown key %.40q", key)
		}
		if err := u.setFromAnswer(key, values[key]); err != nil {
			return User{}, false, fmt.Errorf("the key %q of the answer: %w", key, err)
		}
	}
	if u.Account.Paths != nil && namesLink(values["rights"]) {
		return User{}, false, fmt.Errorf("the key %q of the answer: %w", "rights", errLinkAndPaths)
	}
	if !ok {
		return User{}, false, nil
	}
	if !u.HasRights {
		u.Account.Rights = c.defaultRights()
	}
	if u.Account.Quota = c.quotaOf(u); !c.Write {
		u.Account.Rights &= account.ReadOnly | account.Who
		u.Account.Paths = u.Account.Paths.Limit(account.ReadOnly)
	}
	return u, true, nil
}

// setFromAnswer sets what a key of an answer is about.
func (u *User) setFromAnswer(key string, value any) error {
	switch key {
	case answerName:
		name, isText := value.(string)
		if !isText || name == "" {
			return errors.New("it is no name")
		}
		u.Account.Name = name
		return nil
	case pathKey:
		list, isList := value.([]any)
		if !isList {
			return errors.New(`write it as a list, such as [{"path":"/incoming","rights":["create"]}]`)
		}
		for _, one := range list {
			values, _ := one.(map[string]any)
			if err := u.addPath(values); err != nil {
				return err
			}
		}
		return nil
	}
	return u.set(key, value)
}

// decodeAnswer decodes one JSON object, with numbers as in a file.
func decodeAnswer(answer []byte) (values map[string]any, err error) {
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	if err := d.Decode(&values); err != nil || values == nil {
		return nil, fmt.Errorf("the answer (%d bytes) is no JSON object", len(answer))
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("the answer is more than one JSON object")
	}
	for key, value := range values {
		if number, isNumber := value.(json.Number); isNumber {
			if values[key], err = number.Int64(); err != nil {
				return nil, fmt.Errorf("the key %.40q of the answer is no whole number", key)
			}
		}
	}
	return values, nil
}

func isUserKey(key string) bool {
	for _, k := range userKeys {
		if k.key == key {
			return true
		}
	}
	return false
}

package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// notInAnswers are the keys of a user that an answer cannot have: the program has checked
// these itself.
var notInAnswers = []string{passwordKey, "networks"}

// ParseAnswer parses the answer of the AuthProgram to a login: a JSON object with "ok" and
// keys of a user in File, which mean the same there. Users without "rights" have those of
// --write, and without --write none may change files. ok is false if the password is wrong.
func (c Config) ParseAnswer(answer []byte) (a account.Account, ok bool, err error) {
	values, err := decodeAnswer(answer)
	if err != nil {
		return a, false, err
	}
	ok, isBool := values[answerOK].(bool)
	if !isBool {
		return a, false, fmt.Errorf("the answer lacks %q: true or false", answerOK)
	}
	var u User
	for key, value := range values {
		switch {
		case key == answerOK:
		case key == answerName:
			name, isText := value.(string)
			if !isText || name == "" {
				return a, false, fmt.Errorf("the key %q of the answer is no name", key)
			}
			u.Account.Name = name
		case slices.Contains(notInAnswers, key) || !isUserKey(key):
			return a, false, fmt.Errorf("the answer has the unknown key %.40q", key)
		default:
			if err := u.set(key, value); err != nil {
				return a, false, fmt.Errorf("the key %q of the answer: %w", key, err)
			}
		}
	}
	if !ok {
		return account.Account{}, false, nil
	}
	most := c.defaultRights() | account.Who
	if !u.HasRights {
		u.Account.Rights = c.defaultRights()
	}
	u.Account.Rights &= most
	return u.Account, true, nil
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

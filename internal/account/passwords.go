package account

import (
	"errors"
	"fmt"
	"strings"
)

// NamedHash is a line of a file of passwords.
type NamedHash struct {
	Name string
	Hash Hash
	Line int
}

// PasswordsError is an error in a line of a file of passwords.
type PasswordsError struct {
	Line int
	User string // ""; the line has no name
	Err  error
}

func (e *PasswordsError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *PasswordsError) Unwrap() error { return e.Err }

// ParsePasswords parses a file of passwords as Apache's htpasswd writes it: lines
// NAME:HASH, or NAME:HASH:COMMENT. Empty lines and those that begin with # are
// ignored. The error is a *PasswordsError and repeats no hash, which may be a
// password by mistake.
func ParsePasswords(content []byte) ([]NamedHash, error) {
	var all []NamedHash
	lines := make(map[string]int) // by name
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		name, text, ok := cutPasswordLine(line)
		if !ok {
			continue
		}
		h, err := parseNamed(name, text)
		if before := lines[name]; err == nil && before > 0 {
			err = fmt.Errorf("user %s is in line %d too; remove one of them", name, before)
		}
		if err != nil {
			return nil, &PasswordsError{Line: number, User: name, Err: err}
		}
		lines[name] = number
		all = append(all, NamedHash{Name: name, Hash: h, Line: number})
	}
	return all, nil
}

// cutPasswordLine returns the parts of a line; ok is false if it is empty or a
// comment. In a line without a colon, name is empty.
func cutPasswordLine(line string) (name, hash string, ok bool) {
	line = strings.TrimRight(line, "\r\n")
	if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
		return "", "", false
	}
	name, rest, found := strings.Cut(line, ":")
	if !found {
		return "", "", true
	}
	hash, _, _ = strings.Cut(rest, ":")
	return name, hash, true
}

func parseNamed(name, text string) (Hash, error) {
	if name == "" {
		return Hash{}, errors.New("it is not NAME:HASH")
	}
	if err := (Account{Name: name}).check(); err != nil {
		return Hash{}, err
	}
	h, err := ParseHash(text)
	if err != nil {
		return Hash{}, fmt.Errorf("the password of %s: %w", name, err)
	}
	return h, nil
}

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

// The errors of AddPassword, ChangePassword and RemovePassword about a name.
var (
	ErrUserExists = errors.New("the user exists already")
	ErrNoUser     = errors.New("there is no such user")
)

// AddPassword adds a line to the content of a file of passwords. Other lines stay as
// they are, even if ParsePasswords refuses them.
func AddPassword(content []byte, name string, h Hash) ([]byte, error) {
	if err := CheckPasswordName(name); err != nil {
		return nil, err
	}
	if HasPassword(content, name) {
		return nil, ErrUserExists
	}
	text := string(content)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return []byte(text + name + ":" + h.String() + "\n"), nil
}

// ChangePassword replaces the hash in the line of a user. It keeps the comment.
func ChangePassword(content []byte, name string, h Hash) ([]byte, error) {
	return editLines(content, name, func(line string) string {
		_, rest, _ := strings.Cut(line, ":")
		_, comment, found := strings.Cut(rest, ":")
		end := line[len(strings.TrimRight(line, "\r\n")):]
		if found {
			end = ":" + comment // with the end of the line
		}
		return name + ":" + h.String() + end
	})
}

// RemovePassword removes all lines of a user.
func RemovePassword(content []byte, name string) ([]byte, error) {
	return editLines(content, name, func(string) string { return "" })
}

// HasPassword reports whether a line has the name.
func HasPassword(content []byte, name string) bool {
	_, err := RemovePassword(content, name)
	return err == nil
}

// editLines replaces the lines of a user by the results of edit.
func editLines(content []byte, name string, edit func(line string) string) ([]byte, error) {
	var text strings.Builder
	found := false
	for line := range strings.Lines(string(content)) {
		if n, _, ok := cutPasswordLine(line); ok && n == name && name != "" {
			line, found = edit(line), true
		}
		text.WriteString(line)
	}
	if !found {
		return nil, ErrNoUser
	}
	return []byte(text.String()), nil
}

// CheckPasswordName returns an error if name cannot stand in a file of passwords.
func CheckPasswordName(name string) error {
	if strings.HasPrefix(name, "#") {
		return fmt.Errorf("user name %q begins with #, as a comment does", name)
	}
	return Account{Name: name}.check()
}

// Kind names the function of a hash as its text does, such as bcrypt.
func (h Hash) Kind() string {
	return map[kind]string{pbkdf2SHA256: "pbkdf2-sha256", bcrypted: "bcrypt", apr1: "apr1", sha1Sum: "sha1"}[h.kind]
}

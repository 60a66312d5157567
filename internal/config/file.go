package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/BurntSushi/toml"
)

// File is the content of a configuration file (TOML 1.0): settings with the names of
// flags, and users. The command applies a Setting to the flag of its name.
type File struct {
	Name     string
	Settings []Setting // in the order of the file
	Users    []User    // in the order of the file

	// Incomplete is an error about the first user without a password, or nil. It does
	// not matter if Config.UsersFile has the passwords.
	Incomplete *FileError
}

// Setting is a key of a file with its value.
type Setting struct {
	Key   string
	Kind  Kind
	Texts []string // the value as a flag takes it; several of a List
	Line  int
}

// Kind is the type of a value in a file, as messages name it.
type Kind string

// The kinds.
const (
	String  Kind = "a string in quotes"
	Integer Kind = "a number"
	Boolean Kind = "true or false"
	List    Kind = "a list of strings"
)

// FileError is an error in a file with its position.
type FileError struct {
	File string
	Line int    // 0: unknown
	Key  string // "": none
	Err  error
}

func (e *FileError) Error() string {
	text := e.File + ":"
	if e.Line > 0 {
		text += strconv.Itoa(e.Line) + ":"
	}
	if e.Key != "" {
		text += " " + e.Key + ":"
	}
	return text + " " + e.Err.Error()
}

func (e *FileError) Unwrap() error { return e.Err }

// maxFile bounds the size of a file.
const maxFile = 16 << 20

// ReadFile reads a configuration file by open. An error of the system is an
// [fs.PathError], an error in the file a *FileError.
func ReadFile(open func(name string) (*os.File, error), name string) (*File, error) {
	content, err := readBounded(open, name)
	if err != nil {
		return nil, err
	}
	return ParseFile(name, content)
}

// readBounded reads a file by open. Its error is a *FileError if the file is too large.
func readBounded(open func(name string) (*os.File, error), name string) ([]byte, error) {
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(content) > maxFile:
		return nil, &FileError{File: name, Err: errors.New("the file is too large")}
	}
	return content, nil
}

// ParseFile parses the content of a file. Errors are *FileError and contain no
// password.
func ParseFile(name string, content []byte) (*File, error) {
	top := make(map[string]toml.Primitive)
	meta, err := toml.Decode(string(content), &top)
	if err != nil {
		return nil, syntaxError(name, err)
	}
	d := newDocument(meta)
	f := &File{Name: name}
	defer func() {
		if f.Incomplete = d.incomplete; f.Incomplete != nil {
			f.Incomplete.File = name
		}
	}()
	for _, key := range d.keysIn(nil) {
		if key == usersKey {
			f.Users, err = d.users(top[key])
		} else {
			var s Setting
			s, err = d.setting(key, top[key])
			f.Settings = append(f.Settings, s)
		}
		if err != nil {
			var at *FileError
			errors.As(err, &at) // all errors here are
			at.File = name
			return nil, at
		}
	}
	return f, nil
}

// setting parses a top-level key.
func (d *document) setting(key string, value toml.Primitive) (Setting, error) {
	s := Setting{Key: key, Line: d.line(value)}
	var err error
	switch v := d.value(value).(type) {
	case string:
		s.Kind, s.Texts = String, []string{v}
	case int64:
		s.Kind, s.Texts = Integer, []string{strconv.FormatInt(v, 10)}
	case bool:
		s.Kind, s.Texts = Boolean, []string{strconv.FormatBool(v)}
	case []any:
		s.Kind = List
		s.Texts, err = stringsOf(v)
	case map[string]any, []map[string]any:
		err = fmt.Errorf("unknown table; write users as [%s.NAME]", usersKey)
	default:
		err = errors.New("no key has such a value; values are strings, whole numbers, true, false, and lists of strings")
	}
	if err != nil {
		return s, &FileError{Line: s.Line, Key: key, Err: err}
	}
	return s, nil
}

// stringsOf returns the elements of a list, which must be strings.
func stringsOf(list []any) ([]string, error) {
	all := make([]string, len(list))
	for i, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf(`the value must be %s, such as ["a", "b"]`, List)
		}
		all[i] = s
	}
	return all, nil
}

// document is a parsed file.
type document struct {
	meta toml.MetaData
	keys map[string][]string // of each table, in the order of the file

	incomplete *FileError // about the first user without a password
}

// newDocument indexes the keys once: there may be thousands of users.
func newDocument(meta toml.MetaData) *document {
	d := &document{meta: meta, keys: make(map[string][]string)}
	seen := make(map[string]bool)
	for _, key := range meta.Keys() {
		for n := range key { // a table may be implied by its keys
			if name := key[:n+1].String(); !seen[name] {
				seen[name] = true
				table := key[:n].String()
				d.keys[table] = append(d.keys[table], key[n])
			}
		}
	}
	return d
}

// keysIn returns the keys of a table in the order of the file.
func (d *document) keysIn(table toml.Key) []string { return d.keys[table.String()] }

// value decodes a value to the default Go type.
func (d *document) value(p toml.Primitive) (v any) {
	_ = d.meta.PrimitiveDecode(p, &v) // cannot fail for any
	return v
}

// table returns the values of a table; ok is false if p is not a table.
func (d *document) table(p toml.Primitive) (values map[string]toml.Primitive, ok bool) {
	if _, ok := d.value(p).(map[string]any); !ok {
		return nil, false
	}
	return values, d.meta.PrimitiveDecode(p, &values) == nil
}

// line returns the line of a value, or 0. Package toml reveals it only in errors, so an
// error is provoked; it scans the whole file for that.
func (d *document) line(p toml.Primitive) int {
	var at toml.ParseError
	errors.As(d.meta.PrimitiveDecode(p, failing{}), &at)
	return at.Position.Line
}

// failing fails to decode any value.
type failing struct{}

func (failing) UnmarshalTOML(any) error { return errors.ErrUnsupported }

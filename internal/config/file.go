package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/BurntSushi/toml"
)

// File is what a file of configuration says (TOML 1.0): values by the names of
// flags, and users. A Setting means what its flag means on the command line;
// who knows the flags applies it.
type File struct {
	Name     string
	Settings []Setting // in the order of the file
	Users    []User    // the same
}

// Setting is a key of a file with its value.
type Setting struct {
	Key   string
	Kind  Kind
	Texts []string // the value as a flag takes it; of a List, any number
	Line  int
}

// Kind is how a value is written in a file.
type Kind string

// The kinds there are, as messages call them.
const (
	String  Kind = "a string in quotes"
	Integer Kind = "a number"
	Boolean Kind = "true or false"
	List    Kind = "a list of strings"
)

// FileError is what is wrong in a file, and where.
type FileError struct {
	File string
	Line int    // 0: not known
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

// maxFile is more than any file of configuration has.
const maxFile = 16 << 20

// ReadFile reads a file of configuration, which open opens. An error of the system is an
// [fs.PathError], one in the file is a *FileError.
func ReadFile(open func(name string) (*os.File, error), name string) (*File, error) {
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
		return nil, &FileError{File: name, Err: errors.New("it is too large to be a file of configuration")}
	}
	return ParseFile(name, content)
}

// ParseFile is ReadFile for a file whose content is known. Its errors are
// *FileError, and repeat no password.
func ParseFile(name string, content []byte) (*File, error) {
	top := make(map[string]toml.Primitive)
	meta, err := toml.Decode(string(content), &top)
	if err != nil {
		return nil, syntaxError(name, err)
	}
	d := newDocument(meta)
	f := &File{Name: name}
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
			errors.As(err, &at) // it is one
			at.File = name
			return nil, at
		}
	}
	return f, nil
}

// setting understands a key of the top.
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
		err = fmt.Errorf("there is no such table; write users as [%s.NAME]", usersKey)
	default:
		err = errors.New("no key takes such a value; there are strings, whole numbers, true, false, and lists of strings")
	}
	if err != nil {
		return s, &FileError{Line: s.Line, Key: key, Err: err}
	}
	return s, nil
}

// stringsOf returns the strings of a list that has nothing else in it.
func stringsOf(list []any) ([]string, error) {
	all := make([]string, len(list))
	for i, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf(`the value wants to be %s, such as ["a", "b"]`, List)
		}
		all[i] = s
	}
	return all, nil
}

// document is a file that package toml has understood.
type document struct {
	meta toml.MetaData
	keys map[string][]string // right beneath each table, in the order of the file
}

// newDocument looks at each key once: there may be thousands of users.
func newDocument(meta toml.MetaData) *document {
	d := &document{meta: meta, keys: make(map[string][]string)}
	seen := make(map[string]bool)
	for _, key := range meta.Keys() {
		for n := range key { // some tables have no line of their own
			if name := key[:n+1].String(); !seen[name] {
				seen[name] = true
				table := key[:n].String()
				d.keys[table] = append(d.keys[table], key[n])
			}
		}
	}
	return d
}

// keysIn returns the keys right beneath a table in the order of the file.
func (d *document) keysIn(table toml.Key) []string { return d.keys[table.String()] }

// value returns what package toml makes of a value by itself.
func (d *document) value(p toml.Primitive) (v any) {
	_ = d.meta.PrimitiveDecode(p, &v) // anything fits
	return v
}

// table returns the values of a table; ok is false if p is none.
func (d *document) table(p toml.Primitive) (values map[string]toml.Primitive, ok bool) {
	if _, ok := d.value(p).(map[string]any); !ok {
		return nil, false
	}
	return values, d.meta.PrimitiveDecode(p, &values) == nil
}

// line returns where a value stands, or 0: package toml tells it only of what
// it was told to be wrong. It goes through the whole file for that.
func (d *document) line(p toml.Primitive) int {
	var at toml.ParseError
	errors.As(d.meta.PrimitiveDecode(p, wrong{}), &at)
	return at.Position.Line
}

// wrong finds fault with any value.
type wrong struct{}

func (wrong) UnmarshalTOML(any) error { return errors.ErrUnsupported }

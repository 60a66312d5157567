package config

import (
	"errors"
	"strings"

	"github.com/BurntSushi/toml"
)

// syntaxError converts an error of package toml. The value of a password is not
// repeated.
func syntaxError(file string, err error) *FileError {
	var at toml.ParseError
	if !errors.As(err, &at) {
		return &FileError{File: file, Err: err}
	}
	e := &FileError{File: file, Line: at.Position.Line, Key: at.LastKey, Err: errors.New(at.Message)}
	if strings.HasSuffix(at.LastKey, passwordKey) {
		e.Err = errors.New("the value is not a string; write a hash in quotes")
	}
	return e
}

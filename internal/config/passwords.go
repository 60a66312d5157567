package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"sluice/internal/account"
)

// ReadPasswords reads UsersFile by open and sets Passwords. Errors are *FileError and
// contain no password.
func (c *Config) ReadPasswords(open func(name string) (*os.File, error)) error {
	if c.UsersFile == "" {
		return nil
	}
	content, err := readBounded(open, c.UsersFile)
	if err != nil {
		return explainPasswords(c.UsersFile, err)
	}
	c.Passwords, err = account.ParsePasswords(content)
	var at *account.PasswordsError
	switch {
	case errors.As(err, &at) && at.User == "":
		return &FileError{File: c.UsersFile, Line: at.Line, Err: fmt.Errorf("%w; lines are made by \"sluice user add NAME --users %s\"", at.Err, c.UsersFile)}
	case errors.As(err, &at):
		return &FileError{File: c.UsersFile, Line: at.Line, Err: fmt.Errorf("%w; make another by \"sluice user passwd %s --users %s\"", at.Err, at.User, c.UsersFile)}
	}
	return nil
}

// explainPasswords explains why a file of passwords cannot be read, and what to do.
func explainPasswords(name string, err error) error {
	switch {
	case errors.As(err, new(*FileError)):
		return err
	case errors.Is(err, fs.ErrNotExist):
		err = errors.New("it does not exist; make it by \"sluice user add NAME --users FILE\"")
	case errors.Is(err, fs.ErrPermission):
		err = errors.New("this user may not read it; give this user the right to")
	}
	return &FileError{File: name, Err: err}
}

// passwordError returns an error about a line of UsersFile.
func (c Config) passwordError(p account.NamedHash, err error) error {
	return &FileError{File: c.UsersFile, Line: p.Line, Err: err}
}

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sluice/internal/config"
	"sluice/internal/daemon"
	"sluice/internal/sandbox"
)

// commandLine is the command line of "sluice serve". It is loaded again at a reload.
type commandLine struct {
	flags   *pflag.FlagSet // of the command, parsed
	args    []string       // besides flags
	environ []string
	file    string // of --config; "": none

	madeUp map[string]config.Login // passwords that were made up for --user NAME, by name
}

// settings are the combination of defaults, file, command line and environment.
type settings struct {
	conf  config.Config
	flags *pflag.FlagSet // with the values of conf, and root
	users []string       // of --user
	file  *config.File   // nil: none
}

// load reads the files of --config and --users, if there are any, and combines the
// settings. files opens the files; nil opens them with the rights of the process. An
// error in a file is a *config.FileError.
func (c *commandLine) load(files *sandbox.Files) (*settings, error) {
	s, err := c.loadFile(files)
	if err != nil {
		return nil, err
	}
	return s, s.conf.ReadPasswords(files.Open)
}

// loadFile is load without the passwords.
func (c *commandLine) loadFile(files *sandbox.Files) (*settings, error) {
	if c.file == "" {
		if c.flags.Changed("config") { // probably by a variable that is not set; the defaults cannot be meant
			return nil, errors.New("--config names no file")
		}
		return c.combine(nil)
	}
	file, err := config.ReadFile(files.Open, c.file)
	if err != nil {
		return nil, explainFile(c.file, err)
	}
	return c.combine(file)
}

// combine applies the file to the defaults, then the command line, and adds the
// logins of the environment. file may be nil.
func (c *commandLine) combine(file *config.File) (*settings, error) {
	s := &settings{conf: config.Default(), file: file}
	scratch := new(cobra.Command)
	addFlags(scratch, &s.conf, &s.users)
	s.flags = scratch.Flags()
	s.flags.StringVar(&s.conf.Root, rootKey, s.conf.Root, "") // DIR in a file
	if err := s.applyFile(); err != nil {
		return nil, err
	}
	if err := c.override(s.flags); err != nil {
		return nil, err
	}
	if len(c.args) > 0 {
		s.conf.Root = c.args[0]
	}
	if s.conf.State == "" && !c.flags.Changed("state") {
		s.conf.State, s.conf.StateIsDefault = stateDirectory(c.environ), true
	}
	if err := c.addLogins(&s.conf, s.users); err != nil {
		return nil, err
	}
	if err := s.conf.Check(); err != nil {
		return nil, c.locate(file, err)
	}
	switch {
	case s.conf.UsersFile == "" && c.flags.Changed("users"):
		return nil, errors.New("--users names no file") // probably by a variable that is not set
	case s.conf.UsersFile == "" && file != nil && file.Incomplete != nil:
		return nil, file.Incomplete
	}
	return s, nil
}

// stateDirectory returns the first directory that systemd has made for the state of its
// unit (StateDirectory=), or "".
func stateDirectory(environ []string) string {
	for _, variable := range environ {
		if dirs, ok := strings.CutPrefix(variable, "STATE_DIRECTORY="); ok {
			dir, _, _ := strings.Cut(dirs, ":")
			return dir
		}
	}
	return ""
}

// override sets the flags that the command line sets.
func (c *commandLine) override(flags *pflag.FlagSet) (err error) {
	c.flags.Visit(func(given *pflag.Flag) {
		flag := flags.Lookup(given.Name)
		if flag == nil || err != nil {
			return // nil: the flag has no key, as --config
		}
		if list, ok := given.Value.(pflag.SliceValue); ok {
			err = flag.Value.(pflag.SliceValue).Replace(list.GetSlice())
		} else {
			err = flag.Value.Set(given.Value.String())
		}
		if err != nil { // not reached: the flag was parsed before
			err = fmt.Errorf("--%s %s: %w", given.Name, given.Value, err)
		}
	})
	return err
}

// loader returns the function that reads the configuration again at a reload, and
// compares it with the settings at the start.
func (c *commandLine) loader(started *settings) daemon.Loader {
	return func(files *sandbox.Files) (*daemon.Loaded, error) {
		s, err := c.load(files)
		if err != nil {
			return nil, err
		}
		if s.file != nil && len(s.file.Settings) == 0 && len(s.file.Users) == 0 {
			return nil, &config.FileError{File: s.file.Name, Err: errors.New("the file is empty; write it under another name and rename that")}
		}
		return &daemon.Loaded{
			Config: s.conf, Changed: s.changedSince(started),
			Locate: func(err error) error { return c.locate(s.file, err) },
		}, nil
	}
}

// changedSince returns the keys whose values differ from those at the start.
func (s *settings) changedSince(started *settings) (keys []string) {
	s.flags.VisitAll(func(f *pflag.Flag) {
		if before := started.flags.Lookup(f.Name).Value.String(); f.Value.String() != before {
			keys = append(keys, f.Name)
		}
	})
	return keys
}

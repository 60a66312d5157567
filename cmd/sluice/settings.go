package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sluice/internal/config"
	"sluice/internal/sandbox"
)

// call is how "sluice serve" was called. It can be settled again when the file
// that it names has changed.
type call struct {
	flags   *pflag.FlagSet // of the command, parsed
	args    []string       // besides flags
	environ []string
	file    string         // of configuration; "": none
	opened  *sandbox.Files // what opens it; nil: the process itself may
}

// settings are what a call comes to.
type settings struct {
	conf  config.Config
	flags *pflag.FlagSet // with the values of conf, and root
	users []string       // of --user
	file  *config.File   // nil: none
}

// settle reads the file, if the call names one, and puts together what counts.
// The error is a *config.FileError if it is about the file.
func (c *call) settle() (*settings, error) {
	if c.file == "" {
		if c.flags.Changed("config") { // by a variable that is not set, as a rule: the defaults are not what is meant
			return nil, errors.New("--config names no file")
		}
		return c.settleWith(nil)
	}
	file, err := config.ReadFile(c.opened.Open, c.file)
	if err != nil {
		return nil, explainFile(c.file, err)
	}
	return c.settleWith(file)
}

// settleWith puts together the defaults, what the file says in their place, and
// what the command line says in the place of both. Logins of the environment
// are added. A nil file says nothing.
func (c *call) settleWith(file *config.File) (*settings, error) {
	s := &settings{conf: config.Default(), file: file}
	scratch := new(cobra.Command)
	addFlags(scratch, &s.conf, &s.users)
	s.flags = scratch.Flags()
	s.flags.StringVar(&s.conf.Root, rootKey, s.conf.Root, "") // DIR, for the file
	if err := s.applyFile(); err != nil {
		return nil, err
	}
	if err := c.override(s.flags); err != nil {
		return nil, err
	}
	if len(c.args) > 0 {
		s.conf.Root = c.args[0]
	}
	if err := addLogins(&s.conf, s.users, c.environ); err != nil {
		return nil, err
	}
	if err := s.conf.Check(); err != nil {
		return nil, c.blame(file, err)
	}
	return s, nil
}

// override gives the flags what the command line says.
func (c *call) override(flags *pflag.FlagSet) (err error) {
	c.flags.Visit(func(told *pflag.Flag) {
		flag := flags.Lookup(told.Name)
		if flag == nil || err != nil {
			return // nil: it is about the call itself, as --config is
		}
		if list, ok := told.Value.(pflag.SliceValue); ok {
			err = flag.Value.(pflag.SliceValue).Replace(list.GetSlice())
		} else {
			err = flag.Value.Set(told.Value.String())
		}
		if err != nil { // not reached: it was parsed before
			err = fmt.Errorf("--%s %s: %w", told.Name, told.Value, err)
		}
	})
	return err
}

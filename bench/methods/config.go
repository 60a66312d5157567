package methods

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"sluice/bench/load"
	"sluice/bench/proc"
)

// A Config says what to measure. The zero value of each field but Self means a
// default.
type Config struct {
	Methods []string // their names; nil: all that can be taken
	Sizes   []int64  // of the files, in bytes; nil: 64 KiB, 1 MiB and 100 MiB
	Clients []int    // connections side by side; nil: 1 and 16
	Cold    bool     // also with nothing in the page cache, and with the first of Clients only

	Rounds int           // at most; zero: 9
	Time   time.Duration // of each cell in each round; zero: at most 200 ms, and as many rounds, as end within two minutes

	Dir  string // where the files are made, and removed from; "": one on a disk, if there is
	CPUs []int  // the first is the server's, the others are the clients'; nil: those this process may use
	Seed uint64 // of the order of the cells; zero: another each time

	// Self is the command that starts the server: a program, this one as a
	// rule, and the arguments with which it calls Serve.
	Self []string
}

const (
	defaultRounds  = 9
	longestWindow  = 200 * time.Millisecond
	shortestWindow = 20 * time.Millisecond

	// budget is what a run may take by default. It is short of two minutes by
	// what the last round may take longer than planned.
	budget = 105 * time.Second

	// countBudget is the part of it for counting system calls.
	countBudget = 12 * time.Second
)

var (
	defaultSizes   = []int64{64 << 10, 1 << 20, 100 << 20}
	defaultClients = []int{1, 16}
)

// Check returns what Run would refuse whatever the machine is, or nil.
func (c Config) Check() error { return c.resolve() }

// resolve puts the defaults in, leaves out what is said twice, and looks at
// the rest.
func (c *Config) resolve() error {
	if c.Sizes == nil {
		c.Sizes = defaultSizes
	}
	if c.Clients == nil {
		c.Clients = defaultClients
	}
	if c.CPUs == nil {
		c.CPUs = proc.CPUs()
	}
	c.Rounds = cmp.Or(c.Rounds, defaultRounds)
	for c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	c.Sizes, c.Clients = unique(c.Sizes), unique(c.Clients)
	for _, name := range c.Methods {
		if _, err := find(name); err != nil {
			return err
		}
	}
	switch {
	case len(c.Self) == 0:
		return errors.New("Config.Self does not say how to start the server")
	case c.Methods != nil && len(c.Methods) == 0:
		return errors.New("no method to measure")
	case len(c.Sizes) == 0 || slices.Min(c.Sizes) < 1:
		return fmt.Errorf("sizes of files must be 1 byte or more: %v", c.Sizes)
	case len(c.Clients) == 0 || slices.Min(c.Clients) < 1:
		return fmt.Errorf("numbers of clients must be 1 or more: %v", c.Clients)
	case c.Rounds < 0 || c.Time < 0:
		return fmt.Errorf("%d rounds of %v cannot be measured", c.Rounds, c.Time)
	}
	most := load.Job{Kind: load.Download, URLs: []string{"http://127.0.0.1/"}, Clients: slices.Max(c.Clients), Duration: time.Second}
	return most.Check()
}

// unique returns each element where it comes first.
func unique[E comparable](all []E) (once []E) {
	for _, e := range all {
		if !slices.Contains(once, e) {
			once = append(once, e)
		}
	}
	return once
}

// usable returns the methods to measure, and why others are left out. A method
// that was asked for by name and cannot be taken is an error.
func (c *Config) usable() (methods []method, notes []string, err error) {
	for _, r := range table {
		named := slices.Contains(c.Methods, r.name)
		if c.Methods != nil && !named {
			continue
		}
		switch err := r.usable(); {
		case err == nil:
			methods = append(methods, r)
		case named:
			return nil, nil, fmt.Errorf("method %s cannot be taken here: %w", r.name, err)
		default:
			notes = append(notes, fmt.Sprintf("%s was left out: %v", r.name, err))
		}
	}
	return methods, notes, nil
}

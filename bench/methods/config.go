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
	Methods []string // names; nil: all that this machine has
	Sizes   []int64  // of the files, in bytes; nil: 4 KiB, 64 KiB, 1 MiB and 100 MiB
	Clients []int    // numbers of concurrent connections; nil: 1 and 16
	Cold    bool     // also with nothing in the page cache, and with the first of Clients only

	// Rounds is how often each cell is measured. Zero: nine times, and cells
	// that are not within Precision more often, until Budget is spent.
	Rounds    int
	Precision float64       // wanted ± of processor time and rate, as a part of the median; zero: 0.1
	Budget    time.Duration // for the whole run; zero: 10 minutes

	// Time is how long a cell is measured in a round. Zero: 200 ms, or less if
	// the first nine rounds would not end within Budget otherwise.
	Time time.Duration

	Dir  string // where the files are made and removed; "": a folder on a disk if there is one
	CPUs []int  // the server runs on the first, the clients on the others; nil: those this process may use
	Seed uint64 // of the order of the cells; zero: a random one

	// Self is the command that starts the server: usually this program, with
	// the arguments that make it call Serve.
	Self []string
}

const (
	defaultRounds    = 9 // the fewest for which ± holds the median of a second run with a chance of 95 %
	defaultPrecision = 0.1
	defaultBudget    = 10 * time.Minute

	longestWindow  = 200 * time.Millisecond
	shortestWindow = 20 * time.Millisecond

	// countBudget is the part of the budget for counting system calls.
	countBudget = 12 * time.Second
)

var (
	defaultSizes   = []int64{4 << 10, 64 << 10, 1 << 20, 100 << 20}
	defaultClients = []int{1, 16}
)

// Check returns an error that Run would return on any machine, or nil.
func (c Config) Check() error { return c.resolve() }

// resolve fills in the defaults, removes duplicates, and checks the values.
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
	c.Precision = cmp.Or(c.Precision, defaultPrecision)
	c.Budget = cmp.Or(c.Budget, defaultBudget)
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
		return fmt.Errorf("rounds %d and time %v must not be negative", c.Rounds, c.Time)
	case c.Precision < 0 || c.Budget < 0:
		return fmt.Errorf("precision %v and budget %v must not be negative", c.Precision, c.Budget)
	}
	most := load.Job{Kind: load.Download, URLs: []string{"http://127.0.0.1/"}, Clients: slices.Max(c.Clients), Duration: time.Second}
	return most.Check()
}

// unique returns all without the later ones of equal elements.
func unique[E comparable](all []E) (once []E) {
	for _, e := range all {
		if !slices.Contains(once, e) {
			once = append(once, e)
		}
	}
	return once
}

// usable returns the methods to measure, and notes why others are left out. It
// fails if a method was asked for by name and this machine lacks it.
func (c *Config) usable() (methods []method, notes []string, err error) {
	for _, m := range allMethods {
		named := slices.Contains(c.Methods, m.name)
		if c.Methods != nil && !named {
			continue
		}
		switch err := m.usable(); {
		case err == nil:
			methods = append(methods, m)
		case named:
			return nil, nil, fmt.Errorf("this machine lacks the method %s: %w", m.name, err)
		default:
			notes = append(notes, fmt.Sprintf("%s was left out: %v", m.name, err))
		}
	}
	return methods, notes, nil
}

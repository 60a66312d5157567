package sandbox

import (
	"errors"
	"time"
)

// Program is a program for [StartRunner], and how it is run: once for each input.
type Program struct {
	Path    string        // absolute
	Args    []string      // besides its name
	User    *User         // to run it as; nil: no change
	Timeout time.Duration // after which a run is killed
	AtOnce  int           // runs at one time, at least one
}

const (
	// MaxInput and MaxOutput limit the bytes that a run of a program gets and returns.
	MaxInput  = 16 << 10
	MaxOutput = 16 << 10

	maxLogLines = 20   // that are logged of each run
	maxLogLine  = 1024 // bytes
)

// programPath is the only variable in the environment of a program.
const programPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

var (
	// ErrBusy is returned by Run if as many runs as Program.AtOnce were under way for all
	// of Program.Timeout.
	ErrBusy = errors.New("all runs of the program that may be under way at one time are")

	errRunnerEnded = errors.New("the helper that runs the program has ended; restart the server")
)

// RunError is the failure of a run, as the helper reports it. It has nothing of the output.
type RunError string

func (e RunError) Error() string { return string(e) }

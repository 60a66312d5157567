//go:build !unix

package sandbox

import (
	"context"
	"errors"
)

// canRun is set on systems that can run programs for a server.
const canRun = false

// Runner does not exist on this system.
type Runner struct{}

// StartRunner is not reached, because CheckProgram has failed.
func StartRunner(Program, func(line string)) (*Runner, error) {
	return nil, errors.ErrUnsupported
}

// Run is not reached.
func (*Runner) Run(context.Context, []byte) ([]byte, error) { return nil, errors.ErrUnsupported }

// Close does nothing.
func (*Runner) Close() error { return nil }

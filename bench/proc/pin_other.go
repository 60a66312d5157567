//go:build !linux

package proc

import (
	"errors"
	"fmt"
	"runtime"
)

var errNoAffinity = fmt.Errorf("keep a process on some processors: %w", errors.ErrUnsupported)

// CPUs returns the numbers of the processors that this process may use, in
// rising order.
func CPUs() []int { return firstCPUs(runtime.NumCPU()) }

// Pin keeps this process on cpus on Linux. Here the error is
// errors.ErrUnsupported.
func Pin(cpus []int) error { return errNoAffinity }

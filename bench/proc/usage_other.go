//go:build !linux

package proc

import (
	"errors"
	"fmt"
)

func usageOf(int, scope) (Usage, error) {
	return Usage{}, fmt.Errorf("what a process uses: %w", errors.ErrUnsupported)
}

// root is the server; nothing is known about what is below.
func (t *tree) root() int { return t.cmd.Process.Pid }

func traced(int) ([]int, error) { return nil, errors.ErrUnsupported }

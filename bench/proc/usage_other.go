//go:build !linux

package proc

import (
	"errors"
	"fmt"
)

func usageOf(int, scope) (Usage, error) {
	return Usage{}, fmt.Errorf("the use of resources of a process: %w", errors.ErrUnsupported)
}

// root returns the server; its descendants are unknown.
func (t *tree) root() int { return t.cmd.Process.Pid }

func traced(int) ([]int, error) { return nil, errors.ErrUnsupported }

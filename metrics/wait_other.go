//go:build !linux

package metrics

import (
	"context"
	"errors"
)

func (p *Process) wait(context.Context) error { return errors.ErrUnsupported }

package top

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Run is not to be had: Bubble Tea is not built for AIX. The error is
// errors.ErrUnsupported.
func Run(context.Context, Server, time.Duration) error {
	return fmt.Errorf("there is no live view on AIX: %w; one look is --once", errors.ErrUnsupported)
}

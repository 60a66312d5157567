package top

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Run returns errors.ErrUnsupported: Bubble Tea does not build for AIX.
func Run(context.Context, Server, time.Duration) error {
	return fmt.Errorf("there is no live view on AIX: %w; print it once with --once", errors.ErrUnsupported)
}

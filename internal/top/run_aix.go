package top

import (
	"context"
	"errors"
	"fmt"
	"time"
)

func Run(context.Context, Server, time.Duration) error {
	return fmt.Errorf("there is no live view on AIX: %w; one look is --once", errors.ErrUnsupported)
}

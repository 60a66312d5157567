//go:build !windows

package metrics

import (
	"errors"
	"fmt"
)

func (h Host) services() ([]Service, error) {
	return nil, fmt.Errorf("metrics: services: %w", errors.ErrUnsupported)
}

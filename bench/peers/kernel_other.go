//go:build !linux

package peers

import (
	"errors"
	"fmt"
)

// ServeKernel is for Linux. Here the error is errors.ErrUnsupported.
func ServeKernel(address, dir string) error { return needsLinux() }

// needsLinux returns an error on systems other than Linux.
func needsLinux() error {
	return fmt.Errorf("it needs epoll and sendfile of Linux: %w", errors.ErrUnsupported)
}

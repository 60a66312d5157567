//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package upload

import (
	"errors"
	"os"
)

// lock is unsupported: this system has no advisory lock for an open file that ends with the process.
func lock(*os.File) (unlock func(), err error) { return nil, errors.ErrUnsupported }

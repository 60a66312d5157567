//go:build !linux && !darwin && !dragonfly && !freebsd

package vfs

import (
	"errors"
	"os"
)

func freeBlocks(*os.File) (blocks, size uint64, err error) { return 0, 0, errors.ErrUnsupported }

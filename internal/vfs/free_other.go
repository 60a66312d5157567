//go:build !linux && !darwin && !dragonfly && !freebsd

package vfs

import (
	"errors"
	"os"
)

func blocksOf(*os.File) (blocks, error) { return blocks{}, errors.ErrUnsupported }

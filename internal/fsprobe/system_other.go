//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package fsprobe

import (
	"errors"
	"net"
	"os"
)

// locks returns NotTried: package upload has no such locks here.
func locks(_, _ *os.File) Answer { return NotTried }

// socketPair is unsupported.
func socketPair() (a, b net.Conn, err error) { return nil, nil, errors.ErrUnsupported }

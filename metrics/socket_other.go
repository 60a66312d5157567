//go:build !linux && !darwin && !freebsd && !windows

package metrics

import (
	"errors"
	"syscall"
)

type socketCall struct{}

func (*socketCall) init() {}

func (*socketCall) sample(syscall.RawConn, *TCP) error { return errors.ErrUnsupported }

func (*socketCall) backlog(syscall.RawConn) (Backlog, error) { return Backlog{}, errors.ErrUnsupported }

//go:build !linux

package sendfile

import "errors"

// pipe is never used: sysSplice is nil on this system.
type pipe struct{ r, w int }

func newPipe() (*pipe, error) { return nil, errors.ErrUnsupported }

func (p *pipe) close() {}

func (p *pipe) read([]byte) (int, error) { return 0, errors.ErrUnsupported }

//go:build !linux

package sendfile

import "errors"

// pipe is never made here: sysSplice is nil.
type pipe struct{ r, w, held int }

func getPipe() (*pipe, error) { return nil, errors.ErrUnsupported }

func putPipe(*pipe) {}

func (p *pipe) read([]byte) (int, error) { return 0, errors.ErrUnsupported }

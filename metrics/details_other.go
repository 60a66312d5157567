//go:build !linux && !(netbsd && 386) && !(openbsd && ppc64)

package metrics

import "errors"

func (p *Process) environ() ([]string, error) {
	found, err := p.find()
	if err != nil {
		return nil, err
	}
	env, err := found.Environ()
	return env, libraryError(err)
}

func (p *Process) threads() ([]Thread, error) { return nil, errors.ErrUnsupported }

func (h Host) peers([]Ends) ([]Peer, error) { return nil, errors.ErrUnsupported }

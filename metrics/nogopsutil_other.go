//go:build (netbsd && 386) || (openbsd && ppc64)

package metrics

import (
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"time"
)

// gopsutil v4.26.10 does not compile on these platforms. This process can read of
// itself what getrusage(2) reports; everything else is errors.ErrUnsupported.

type process struct {
	closed atomic.Bool
	isSelf bool
}

func (p *Process) open(int) error { return errors.ErrUnsupported }

func (p *Process) openSelf() {
	p.os.isSelf = true
	p.id.PID = os.Getpid()
}

func (p *process) close() error {
	if p.closed.Swap(true) {
		return fs.ErrClosed
	}
	return nil
}

func (p *Process) read(s *Snapshot, _ Fields) error {
	if p.os.closed.Load() {
		return fs.ErrClosed
	}
	readSelf(s)
	return nil
}

func (h Host) processes(func(*Process) bool) error                { return errors.ErrUnsupported }
func (h Host) connections(Filter, *Connection, func() bool) error { return errors.ErrUnsupported }
func (h Host) peers([]Ends) ([]Peer, error)                       { return nil, errors.ErrUnsupported }
func (p *Process) environ() ([]string, error)                     { return nil, errors.ErrUnsupported }
func (p *Process) threads() ([]Thread, error)                     { return nil, errors.ErrUnsupported }
func (h Host) memory() (m HostMemory, err error)                  { return m, errors.ErrUnsupported }
func (h Host) swap() (s HostSwap, err error)                      { return s, errors.ErrUnsupported }
func (h Host) cpus() (c CPUs, err error)                          { return c, errors.ErrUnsupported }
func (h Host) boot() (t time.Time, err error)                     { return t, errors.ErrUnsupported }
func (h Host) cpu() (c HostCPU, err error)                        { return c, errors.ErrUnsupported }
func (h Host) users() ([]User, error)                             { return nil, errors.ErrUnsupported }
func (h Host) disks() ([]DiskIO, error)                           { return nil, errors.ErrUnsupported }
func (h Host) netIO() (map[string]NetIO, error)                   { return nil, nil }

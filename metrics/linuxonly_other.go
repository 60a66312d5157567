//go:build !linux

package metrics

import "errors"

// These have a source on Linux only. Neither the other systems' gopsutil nor package
// x/sys has them.

func (p *Process) affinity() ([]int, error)         { return nil, errors.ErrUnsupported }
func (p *Process) ioPriority() (IOPriority, error)  { return IOPriority{}, errors.ErrUnsupported }
func (p *Process) memoryMaps() ([]MemoryMap, error) { return nil, errors.ErrUnsupported }
func (h Host) tcp() (HostTCP, error)                { return HostTCP{}, errors.ErrUnsupported }
func (h Host) unixSockets(UnixFilter, *UnixSocket, func() bool) error {
	return errors.ErrUnsupported
}

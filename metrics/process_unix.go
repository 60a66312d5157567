//go:build unix && !linux

package metrics

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// readSelf fills in what getrusage(2) tells, which is more than gopsutil knows.
func readSelf(s *Snapshot) {
	s.State = Running // whoever asks runs
	s.Have |= FieldState
	readUsage(s)
}

// limits asks getrlimit(2), which tells a process its own.
func (p *Process) limits() (map[Resource]ResourceLimit, error) {
	if p.os.closed.Load() {
		return nil, fs.ErrClosed
	}
	if !p.os.isSelf {
		return nil, errors.ErrUnsupported
	}
	limits := make(map[Resource]ResourceLimit)
	for resource, number := range map[Resource]int{
		LimitCPU:       unix.RLIMIT_CPU,
		LimitFileSize:  unix.RLIMIT_FSIZE,
		LimitData:      unix.RLIMIT_DATA,
		LimitStack:     unix.RLIMIT_STACK,
		LimitCore:      unix.RLIMIT_CORE,
		LimitOpenFiles: unix.RLIMIT_NOFILE,
	} {
		var l unix.Rlimit
		if unix.Getrlimit(number, &l) == nil {
			limits[resource] = ResourceLimit{Soft: limit(uint64(l.Cur)), Hard: limit(uint64(l.Max))}
		}
	}
	return limits, nil
}

// limit translates RLIM_INFINITY, which is the largest number of 63 bits on the
// BSDs and macOS, and among the last of 64 bits elsewhere.
func limit(n uint64) uint64 {
	if n >= 1<<63-1 {
		return Unlimited
	}
	return n
}

func (p *Process) openFiles() ([]OpenFile, error) { return nil, errors.ErrUnsupported }

// systemError says ErrNoProcess for what the kernel answers when there is no
// such PID.
func systemError(err error) error {
	if errors.Is(err, unix.ESRCH) {
		return ErrNoProcess
	}
	return err
}

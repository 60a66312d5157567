//go:build unix && !linux

package metrics

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// readSelf fills in the values of getrusage(2), which are more than gopsutil has.
func readSelf(s *Snapshot) {
	s.State = Running // the caller is running
	s.Have |= FieldState
	readUsage(s)
}

// readNice uses getpriority(2).
func readNice(pid int) (int, error) { return unix.Getpriority(unix.PRIO_PROCESS, pid) }

// limits uses getrlimit(2), which returns the limits of the calling process.
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

// limit converts RLIM_INFINITY to Unlimited. It is the largest number of 63 bits on
// the BSDs and macOS, and one of the largest of 64 bits elsewhere.
func limit(n uint64) uint64 {
	if n >= 1<<63-1 {
		return Unlimited
	}
	return n
}

func (p *Process) openFiles() ([]OpenFile, error) { return nil, errors.ErrUnsupported }

// systemError returns ErrNoProcess for the kernel's error if there is no such PID,
// and otherwise err.
func systemError(err error) error {
	if errors.Is(err, unix.ESRCH) {
		return ErrNoProcess
	}
	return err
}

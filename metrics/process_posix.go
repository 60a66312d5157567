//go:build unix && !linux && !darwin && !(netbsd && 386) && !(openbsd && ppc64)

package metrics

import (
	"errors"
	"runtime"

	gopsutil "github.com/shirou/gopsutil/v4/process"
)

func readState(p *gopsutil.Process) (State, error) {
	states, err := p.Status()
	if err != nil {
		return Unknown, err
	}
	if len(states) == 1 {
		switch states[0] {
		case gopsutil.Running:
			return Running, nil
		case gopsutil.Sleep:
			return Sleeping, nil
		case gopsutil.Blocked:
			return DiskSleep, nil
		case gopsutil.Idle:
			return Idle, nil
		case gopsutil.Stop:
			return Stopped, nil
		case gopsutil.Zombie:
			return Zombie, nil
		case gopsutil.Wait, gopsutil.Lock:
			return Waiting, nil
		}
	}
	return Unknown, errors.ErrUnsupported // gopsutil has no name for the state
}

func readThreads(p *gopsutil.Process) (int, error) {
	if runtime.GOOS == "openbsd" { // gopsutil returns 1 for all processes
		return 0, errors.ErrUnsupported
	}
	n, err := p.NumThreads()
	return int(n), err
}

// fillFrom takes nothing: on these systems gopsutil counts requests to disks, but
// an IO has system calls and bytes.
func (*IO) fillFrom(*gopsutil.IOCountersStat) error { return errors.ErrUnsupported }

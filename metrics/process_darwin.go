package metrics

import (
	gopsutil "github.com/shirou/gopsutil/v4/process"
	"golang.org/x/sys/unix"
)

// readState uses sysctl(3), where gopsutil would run ps(1). macOS reports nearly
// every process that is neither stopped nor a zombie as running.
func readState(p *gopsutil.Process) (State, error) {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", int(p.Pid))
	if err != nil {
		return Unknown, err
	}
	switch k.Proc.P_stat { // of sys/proc.h
	case 1: // SIDL: being created
		return Idle, nil
	case 2: // SRUN
		return Running, nil
	case 3: // SSLEEP
		return Sleeping, nil
	case 4: // SSTOP
		return Stopped, nil
	case 5: // SZOMB
		return Zombie, nil
	}
	return Unknown, nil
}

func readThreads(p *gopsutil.Process) (int, error) {
	n, err := p.NumThreads()
	return int(n), err
}

// fillFrom takes the bytes read from and written to disks, from proc_pid_rusage.
func (io *IO) fillFrom(from *gopsutil.IOCountersStat) error {
	*io = IO{ReadBytes: from.DiskReadBytes, WriteBytes: from.DiskWriteBytes, Have: IOBytes}
	return nil
}

//go:build !linux && !(netbsd && 386) && !(openbsd && ppc64)

package metrics

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"time"

	gopsutil "github.com/shirou/gopsutil/v4/process"
)

// A process is identified by its PID and, where the system reports it, its start
// time. Each call looks it up anew and compares the two. No gopsutil value is kept,
// because gopsutil caches what it has read of a process.
type process struct {
	closed atomic.Bool
	isSelf bool
}

func (p *Process) open(pid int) error {
	p.id.PID = pid
	found, err := findPID(pid)
	if err != nil {
		return err
	}
	p.id.Start = started(found)
	return nil
}

func (p *Process) openSelf() {
	p.os.isSelf = true
	if p.open(os.Getpid()) != nil {
		p.id = ProcessID{PID: os.Getpid()}
	}
}

func (p *process) close() error {
	if p.closed.Swap(true) {
		return fs.ErrClosed
	}
	return nil
}

// find looks the process up, and returns ErrNoProcess if another process has its
// PID now.
func (p *Process) find() (*gopsutil.Process, error) {
	if p.os.closed.Load() {
		return nil, fs.ErrClosed
	}
	found, err := findPID(p.id.PID)
	if err != nil {
		return nil, err
	}
	if started(found) != p.id.Start {
		return nil, ErrNoProcess
	}
	return found, nil
}

func findPID(pid int) (*gopsutil.Process, error) {
	if pid < 0 || pid > 1<<31-1 {
		return nil, ErrNoProcess
	}
	found, err := gopsutil.NewProcess(int32(pid))
	return found, libraryError(err)
}

// started returns the start time in milliseconds since 1970, or 0 if it is unknown.
func started(p *gopsutil.Process) uint64 {
	ms, err := p.CreateTime()
	if err != nil || ms < 0 {
		return 0
	}
	return uint64(ms)
}

// processes calls yield with each process until it returns false.
func (h Host) processes(yield func(*Process) bool) error {
	pids, err := gopsutil.Pids()
	if err != nil {
		return libraryError(err)
	}
	for _, pid := range pids {
		p := &Process{host: h}
		if p.open(int(pid)) != nil {
			continue // the process has ended
		}
		more := yield(p)
		_ = p.os.close()
		if !more {
			return nil
		}
	}
	return nil
}

// libraryError converts the errors of gopsutil to those of this package.
func libraryError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gopsutil.ErrorProcessNotRunning):
		return ErrNoProcess
	case errors.Is(err, gopsutil.ErrorNotPermitted):
		return fs.ErrPermission
	case err.Error() == "not implemented yet": // defined in an internal package of gopsutil
		return errors.ErrUnsupported
	case strings.HasPrefix(err.Error(), "couldn't find pid: "): // on Windows
		return ErrNoProcess
	}
	return systemError(err)
}

func (p *Process) read(s *Snapshot, want Fields) error {
	found, err := p.find()
	if err != nil {
		return err
	}
	s.Name = ""
	if p.os.isSelf {
		readSelf(s)
	}
	var first error
	for _, source := range sources {
		if source.field&want&^s.Have == 0 {
			continue
		}
		switch err := source.read(found, s); {
		case err == nil:
			s.Have |= source.field
		case first == nil:
			first = libraryError(err)
		}
	}
	return first
}

// sources are the functions of gopsutil that groups are read with.
var sources = []struct {
	field Fields
	read  func(p *gopsutil.Process, s *Snapshot) error
}{
	{FieldName, func(p *gopsutil.Process, s *Snapshot) (err error) {
		s.Name, err = p.Name()
		return err
	}},
	{FieldState, func(p *gopsutil.Process, s *Snapshot) (err error) {
		s.State, err = readState(p)
		return err
	}},
	{FieldParent, func(p *gopsutil.Process, s *Snapshot) error {
		pid, err := p.Ppid()
		s.Parent = int(pid)
		return err
	}},
	{FieldStarted, func(p *gopsutil.Process, s *Snapshot) error {
		ms, err := p.CreateTime()
		s.Started = time.UnixMilli(ms)
		return err
	}},
	{FieldThreads, func(p *gopsutil.Process, s *Snapshot) (err error) {
		s.Threads, err = readThreads(p)
		return err
	}},
	{FieldCPU, func(p *gopsutil.Process, s *Snapshot) error {
		t, err := p.Times()
		if err != nil {
			return err
		}
		s.CPU = CPUTime{User: seconds(t.User), System: seconds(t.System)}
		return nil
	}},
	{FieldMemory, func(p *gopsutil.Process, s *Snapshot) error {
		m, err := p.MemoryInfo()
		if err != nil {
			return err
		}
		s.Memory = Memory{RSS: m.RSS, VMS: m.VMS}
		return nil
	}},
	{FieldIO, func(p *gopsutil.Process, s *Snapshot) error {
		io, err := p.IOCounters()
		if err != nil {
			return err
		}
		return s.IO.fillFrom(io)
	}},
	{FieldFDs, func(p *gopsutil.Process, s *Snapshot) error {
		n, err := p.NumFDs()
		s.FDs = int(n)
		return err
	}},
	{FieldOwner, func(p *gopsutil.Process, s *Snapshot) (err error) {
		s.Owner.name, err = p.Username()
		return err
	}},
	{FieldIdentity, func(p *gopsutil.Process, s *Snapshot) (err error) {
		s.Identity.Args, err = p.CmdlineSlice()
		s.Identity.Exe, _ = p.Exe()
		s.Identity.Cwd, _ = p.Cwd()
		s.Identity.Terminal, _ = p.Terminal()
		return err
	}},
	{FieldNice, func(p *gopsutil.Process, s *Snapshot) (err error) {
		s.Nice, err = readNice(int(p.Pid))
		return err
	}},
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

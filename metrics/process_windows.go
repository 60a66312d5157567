package metrics

import (
	"errors"

	gopsutil "github.com/shirou/gopsutil/v4/process"
	"golang.org/x/sys/windows"
)

func readSelf(s *Snapshot) {
	s.State = Running // the caller is running
	s.Have |= FieldState
}

func readState(*gopsutil.Process) (State, error) { return Unknown, errors.ErrUnsupported }

// readNice reads nothing: Windows has classes of priority instead.
func readNice(int) (int, error) { return 0, errors.ErrUnsupported }

func readThreads(p *gopsutil.Process) (int, error) {
	n, err := p.NumThreads()
	return int(n), err
}

// fillFrom takes the counters of GetProcessIoCounters, which cover all handles.
func (io *IO) fillFrom(from *gopsutil.IOCountersStat) error {
	*io = IO{
		ReadOps: from.ReadCount, WriteOps: from.WriteCount,
		ReadChars: from.ReadBytes, WriteChars: from.WriteBytes,
		Have: IOOps | IOChars,
	}
	return nil
}

func (p *Process) limits() (map[Resource]ResourceLimit, error) { return nil, errors.ErrUnsupported }

func (p *Process) openFiles() ([]OpenFile, error) {
	found, err := p.find()
	if err != nil {
		return nil, err
	}
	open, err := found.OpenFiles()
	if err != nil {
		return nil, libraryError(err)
	}
	files := make([]OpenFile, 0, len(open))
	for _, f := range open {
		files = append(files, OpenFile{FD: int(f.Fd), Path: f.Path, Position: -1, Flags: -1})
	}
	return files, nil
}

// systemError returns ErrNoProcess for the error of OpenProcess if there is no such
// PID, and otherwise err.
func systemError(err error) error {
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
		return ErrNoProcess
	}
	return err
}

package metrics

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// ownFiles are what Self keeps open of its own process. What could not be
// opened is noFile, and is then asked for as it is of any other process.
type ownFiles struct {
	name      string // of the program, which a Go program does not change
	started   time.Time
	statm, io int
	fd, task  int // directories: stat(2) tells how much is in them
}

// openSelf cannot fail: without /proc there is still getrusage(2). It asks for
// "self", since a PID may be another process in a /proc of another namespace.
func (p *Process) openSelf() {
	own := &ownFiles{statm: noFile, io: noFile, fd: noFile, task: noFile}
	if err := p.openIn(unix.AT_FDCWD, cstring("/proc/self\x00").ptr(), kernelCountsFDs()); err == nil {
		var s Snapshot
		if p.read(&s, FieldName) == nil {
			own.name, own.started = s.Name, s.Started
		}
		own.statm, _ = openAt(p.os.dir, statmFile, readOnly)
		own.io, _ = openAt(p.os.dir, ioFile, readOnly)
		own.task, _ = openAt(p.os.dir, taskDir, location)
		if p.os.fdsBySize {
			own.fd, _ = openAt(p.os.dir, fdDir, location)
		}
	} else {
		p.id.PID = unix.Getpid()
		p.os.dir, p.os.closed, p.os.noDir = noFile, false, err
		if errors.Is(err, ErrNoProcess) { // which cannot be
			p.os.noDir = errors.ErrUnsupported
		}
	}
	p.os.own = own
}

func (o *ownFiles) close() {
	for _, fd := range []int{o.statm, o.io, o.fd, o.task} {
		closeFile(fd)
	}
}

// read fills in what this process is told for less than it costs to read of
// another, and more exactly.
func (o *ownFiles) read(s *Snapshot, want Fields, buf []byte) {
	if want&FieldName != 0 && o.name != "" {
		s.Name = o.name
		s.Have |= FieldName
	}
	if want&FieldStarted != 0 && !o.started.IsZero() {
		s.Started = o.started
		s.Have |= FieldStarted
	}
	if want&FieldState != 0 {
		s.State = Running // whoever asks runs
		s.Have |= FieldState
	}
	if want&FieldParent != 0 {
		s.Parent = unix.Getppid()
		s.Have |= FieldParent
	}
	if want&(FieldCPU|FieldFaults|FieldSwitches) != 0 {
		readUsage(s)
	}
	if want&FieldThreads != 0 {
		if n := int(fstat(o.task).Nlink); n > 2 { // each thread is a directory in it, "." and ".." link to it too
			s.Threads = n - 2
			s.Have |= FieldThreads
		}
	}
	if want&FieldFDs != 0 {
		if n := int(fstat(o.fd).Size); n > 0 {
			s.FDs = n
			s.Have |= FieldFDs
		}
	}
	if want&FieldMemory != 0 && s.Memory.parse(readAgain(o.statm, buf)) {
		s.Have |= FieldMemory
	}
	if want&FieldIO != 0 && s.IO.parse(readAgain(o.io, buf)) {
		s.Have |= FieldIO
	}
}

package metrics

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// selfFiles are the files that Self keeps open. A file that could not be opened is
// noFile; its values are then read as for any other process.
type selfFiles struct {
	name      string // of the program, read once: Go programs do not change it
	started   time.Time
	statm, io int
	fd, task  int // directories: fstat(2) shows the number of entries
}

// openSelf cannot fail: without /proc there is still getrusage(2). It opens "self"
// because /proc may belong to another PID namespace, where our PID is another
// process.
func (p *Process) openSelf() {
	own := &selfFiles{statm: noFile, io: noFile, fd: noFile, task: noFile}
	if err := p.openEntry(unix.AT_FDCWD, cstring("/proc/self\x00").ptr(), kernelCountsFDs()); err == nil {
		var s Snapshot
		if p.read(&s, FieldName) == nil {
			own.name, own.started = s.Name, s.Started
		}
		own.statm, _ = openAt(p.os.dir, statmFile, readOnly)
		own.io, _ = openAt(p.os.dir, ioFile, readOnly)
		own.task, _ = openAt(p.os.dir, taskDir, pathOnly)
		if p.os.fdCountIsSize {
			own.fd, _ = openAt(p.os.dir, fdDir, pathOnly)
		}
	} else {
		p.id.PID = unix.Getpid()
		p.os.dir, p.os.closed, p.os.noDir = noFile, false, err
		if errors.Is(err, ErrNoProcess) { // there is no /proc/self, but this process exists
			p.os.noDir = errors.ErrUnsupported
		}
	}
	p.os.self = own
}

func (o *selfFiles) close() {
	for _, fd := range []int{o.statm, o.io, o.fd, o.task} {
		closeFile(fd)
	}
}

// read fills in the groups in want that this process can read of itself at a lower
// cost or with more precision. It leaves out those that it cannot read.
func (o *selfFiles) read(s *Snapshot, want Fields, buf []byte) {
	if want&FieldName != 0 && o.name != "" {
		s.Name = o.name
		s.Have |= FieldName
	}
	if want&FieldStarted != 0 && !o.started.IsZero() {
		s.Started = o.started
		s.Have |= FieldStarted
	}
	if want&FieldState != 0 {
		s.State = Running // the caller is running
		s.Have |= FieldState
	}
	if want&FieldParent != 0 {
		s.Parent = unix.Getppid()
		s.Have |= FieldParent
	}
	if want&(FieldCPU|FieldFaults|FieldSwitches) != 0 {
		readUsage(s)
	}
	if want&FieldNice != 0 {
		if n, err := unix.Getpriority(unix.PRIO_PROCESS, unix.Getpid()); err == nil {
			s.Nice = 20 - n // the system call never returns a negative number
			s.Have |= FieldNice
		}
	}
	if want&FieldThreads != 0 {
		if n := int(fstat(o.task).Nlink); n > 2 { // a link for each thread, and two for "." and ".."
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
	if want&FieldMemory != 0 && s.Memory.parse(rereadWhole(o.statm, buf)) {
		s.Have |= FieldMemory
	}
	if want&FieldIO != 0 && s.IO.parse(rereadWhole(o.io, buf)) {
		s.Have |= FieldIO
	}
}

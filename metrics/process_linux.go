package metrics

import (
	"errors"
	"io/fs"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A process is the open directory /proc/PID. It refers to one process even after
// the PID is reused.
type process struct {
	mu     sync.RWMutex // held for reading while descriptors are in use, because a closed number may be reused
	closed bool
	dir    int        // noFile if /proc/self could not be opened; only Self allows that
	noDir  error      // why dir is noFile
	self   *selfFiles // of a handle that Self returned; otherwise nil

	started       time.Time
	fdCountIsSize bool // the size of the directory fd is the count of descriptors
}

// open opens /proc/PID and sets the ID.
func (p *Process) open(pid int) error {
	if pid <= 0 {
		return ErrNoProcess
	}
	proc, err := p.host.openProc()
	if err != nil {
		return err
	}
	defer unix.Close(proc)
	var name [24]byte
	strconv.AppendInt(name[:0], int64(pid), 10)
	return p.openEntry(proc, &name[0], p.host.fdCountIsSize(proc))
}

// openEntry opens the process whose directory in proc has this name, which ends
// in a zero byte.
func (p *Process) openEntry(proc int, name *byte, fdCountIsSize bool) error {
	dir, err := openAtPtr(proc, name, asDirectory)
	if err != nil {
		return asNoProcess(err)
	}
	p.os.dir, p.os.fdCountIsSize, p.os.closed = dir, fdCountIsSize, false
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	st, err := readStat(dir, buf[:])
	if err != nil {
		_ = p.os.close()
		return asNoProcess(err)
	}
	p.id = ProcessID{PID: st.pid, Start: st.start}
	p.os.started = bootTime().Add(time.Duration(st.start) * tick)
	return nil
}

func (o *process) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return fs.ErrClosed
	}
	o.closed = true
	if o.self != nil {
		o.self.close()
	}
	closeFile(o.dir)
	return nil
}

// rlock keeps Close from closing the descriptors until the caller calls
// o.mu.RUnlock. After an error the caller must not call that.
func (o *process) rlock() error {
	o.mu.RLock()
	if o.closed {
		o.mu.RUnlock()
		return fs.ErrClosed
	}
	return nil
}

func closeFile(fd int) {
	if fd != noFile {
		_ = unix.Close(fd)
	}
}

// processes calls yield with each process until it returns false.
func (h Host) processes(yield func(*Process) bool) error {
	proc, err := h.openProc()
	if err != nil {
		return err
	}
	defer unix.Close(proc)
	fdCountIsSize := h.fdCountIsSize(proc)
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	p := &Process{host: h, os: process{dir: noFile, closed: true}}
	var failed error
	err = eachEntry(proc, buf[:], func(name []byte) bool {
		if name[0] < '0' || name[0] > '9' {
			return true // not a process
		}
		switch err := p.openEntry(proc, &name[0], fdCountIsSize); {
		case errors.Is(err, ErrNoProcess), errors.Is(err, fs.ErrPermission): // it has ended, or is hidden
			return true
		case err != nil: // such as too many open files: the other processes would be missing too
			failed = err
			return false
		}
		more := yield(p)
		_ = p.os.close()
		return more
	})
	if err == nil {
		err = failed
	}
	return err
}

func (h Host) openProc() (int, error) {
	return openAt(unix.AT_FDCWD, cstring(h.proc()+"\x00"), asDirectory)
}

// fdCountIsSize reports whether the size of a directory /proc/PID/fd is the count
// of descriptors. It is so since Linux 6.2, and was 0 before.
func (h Host) fdCountIsSize(proc int) bool {
	if h.Proc != "" {
		var st unix.Statfs_t
		if injectedError("fstatfs") != 0 || unix.Fstatfs(proc, &st) != nil || st.Type != unix.PROC_SUPER_MAGIC { // a copy
			return false
		}
	}
	return kernelCountsFDs()
}

var kernelCountsFDs = sync.OnceValue(func() bool {
	n, err := sizeAt(unix.AT_FDCWD, "/proc/self/fd\x00")
	return err == nil && n > 0
})

// bootTime returns when the host was started, by the present wall clock.
func bootTime() time.Time {
	var up unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) // cannot fail: Linux 2.6.39 has it
	return time.Now().Round(0).Add(-time.Duration(up.Nano()))
}

// asNoProcess returns ErrNoProcess for the errors of a process that has ended,
// ESRCH from a file that is open and ENOENT for a name, and otherwise err.
func asNoProcess(err error) error {
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOENT) {
		return ErrNoProcess
	}
	return err
}

// explain returns the error to report for err, the error of a file of the process.
// If the file is missing but the process exists, the kernel lacks the file, or the
// process is a zombie: errors.ErrUnsupported.
func (o *process) explain(err error) error {
	if o.noDir != nil {
		return o.noDir
	}
	if errors.Is(asNoProcess(err), ErrNoProcess) {
		fd, err := openAt(o.dir, statFile, pathOnly)
		if err != nil {
			return asNoProcess(err)
		}
		_ = unix.Close(fd)
		return errors.ErrUnsupported
	}
	return asNoProcess(err)
}
